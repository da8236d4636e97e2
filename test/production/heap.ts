// The memory of another process after a collection, by its inspector.

/** Collects garbage in a process by its inspector. @returns MiB that are left */
export async function measureHeap(inspectorUrl: string): Promise<number> {
  const socket = new WebSocket(inspectorUrl);
  await new Promise((resolve) => socket.addEventListener("open", resolve, { once: true }));
  let id = 0;
  async function call(method: string, params: object = {}): Promise<string> {
    id++;
    const answered = new Promise<string>((resolve) =>
      socket.addEventListener("message", ({ data }) => resolve(String(data)), { once: true }),
    );
    socket.send(JSON.stringify({ id, method, params }));
    return answered;
  }
  for (let time = 0; time < 2; time++) await call("HeapProfiler.collectGarbage");
  const expression = "(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())";
  const text = await call("Runtime.evaluate", { expression, returnByValue: true });
  socket.close();
  return Number(/"value":(\d+)/.exec(text)?.[1]) / 2 ** 20;
}
