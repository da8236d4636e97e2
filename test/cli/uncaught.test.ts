// An error that nothing catches: `serve` logs it, drains and exits 1.

import { connect } from "node:net";
import { expect, test } from "vitest";
import { NODE_ARGUMENTS, type ServingProcess, serve, temporaryFolder } from "../program.ts";

/** Makes a gateway's process fail at each SIGUSR2. */
function throwing(statement: string) {
  // Base64, since the stack has the module's name, and the secret must not be in it.
  const script = Buffer.from(`process.on("SIGUSR2", () => { ${statement} })`).toString("base64");
  return { nodeArguments: [...NODE_ARGUMENTS, "--import", `data:text/javascript;base64,${script}`] };
}

const fatals = ({ log }: ServingProcess) =>
  log()
    .split("\n")
    .filter((line) => line.includes('"level":60'))
    .map((line) => JSON.parse(line));

/** Sends half a request: the gateway waits for the rest. */
async function sendHalf(gateway: ServingProcess) {
  const { hostname, port } = new URL(gateway.publicUrl);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  socket.write("POST /auth/login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{");
  await fetch(new URL("/livez", gateway.publicUrl));
  return socket;
}

test.each([
  ["throw Object.assign(new TypeError('planted'), { password: 'hunter2' })", "TypeError: planted\n    at process."],
  ["Promise.reject({ password: 'hunter2' })", "not an Error"],
])("%s is logged in one line without its properties, and a request in flight is answered", async (planted, stack) => {
  const gateway = await serve(temporaryFolder(), throwing(planted));
  const socket = await sendHalf(gateway);
  const ended = gateway.end("SIGUSR2");
  await expect.poll(() => fatals(gateway)).toHaveLength(1);
  let answer = "";
  socket.on("data", (chunk) => {
    answer += String(chunk);
  });
  socket.write("}");
  expect(await ended).toBe(1);
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(fatals(gateway)).toMatchObject([{ level: 60, stack: expect.stringContaining(stack), msg: "uncaught" }]);
  expect(gateway.log()).not.toContain("hunter2");
});

test("a second error during the drain ends the process, though a request is in flight", async () => {
  const gateway = await serve(temporaryFolder(), throwing("throw new Error('planted')"));
  await sendHalf(gateway);
  void gateway.end("SIGUSR2");
  await expect.poll(() => fatals(gateway)).toHaveLength(1);
  expect(await gateway.end("SIGUSR2")).toBe(1);
  expect(fatals(gateway)).toHaveLength(2);
});

test("an error during the drain of a signal is logged, and the status is 1", async () => {
  const gateway = await serve(temporaryFolder(), throwing("throw new Error('planted')"));
  const socket = await sendHalf(gateway);
  void gateway.end("SIGTERM");
  void gateway.end("SIGUSR2");
  await expect.poll(() => fatals(gateway)).toHaveLength(1);
  socket.write("}");
  expect(await gateway.end()).toBe(1);
});
