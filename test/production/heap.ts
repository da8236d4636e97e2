// The memory of another process after a collection, by its inspector (chromedevtools.github.io/devtools-protocol).

import { once } from "node:events";

/** Collects garbage in a process whose log names its inspector. @returns MiB that are left; NaN when it ends meanwhile */
export async function measureHeap(log: string): Promise<number> {
  const socket = new WebSocket(/^Debugger listening on (\S+)$/m.exec(log)?.[1] ?? "");
  const closed = once(socket, "close");
  await Promise.race([once(socket, "open"), closed]);
  async function call(method: string, params: object = {}): Promise<string> {
    socket.send(JSON.stringify({ id: 1, method, params }));
    const [message] = await Promise.race([once(socket, "message"), closed]);
    return String(message.data);
  }
  for (let time = 0; time < 2; time++) await call("HeapProfiler.collectGarbage");
  const expression = "(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())";
  const text = await call("Runtime.evaluate", { expression, returnByValue: true });
  socket.close();
  return Number(/"value":(\d+)/.exec(text)?.[1]) / 2 ** 20;
}
