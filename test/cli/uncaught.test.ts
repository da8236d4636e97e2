// An error that nothing catches: `serve` logs it, drains and exits 1.

import { expect, test } from "vitest";
import { openRaw, type RawResponse } from "../http/raw-http.ts";
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

/** Sends half a request, and the gateway waits for the rest. @returns a function that sends the rest and reads the answer */
async function sendHalf({ publicUrl }: ServingProcess): Promise<() => Promise<RawResponse>> {
  const { exchange } = openRaw(publicUrl);
  const head = "POST /auth/login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n\r\n";
  exchange(`${head}{`).catch(() => {});
  await fetch(new URL("/livez", publicUrl));
  return () => exchange("}");
}

test.each([
  ["throw Object.assign(new TypeError('planted'), { password: 'hunter2' })", "TypeError: planted\n    at process."],
  ["Promise.reject({ password: 'hunter2' })", "not an Error"],
])("%s is logged in one line without its properties, and a request in flight is answered", async (planted, stack) => {
  const gateway = await serve(temporaryFolder(), throwing(planted));
  const sendRest = await sendHalf(gateway);
  const ended = gateway.end("SIGUSR2");
  await expect.poll(() => fatals(gateway)).toHaveLength(1);
  expect((await sendRest()).status).toBe(400);
  expect(await ended).toBe(1);
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
  const sendRest = await sendHalf(gateway);
  void gateway.end("SIGTERM");
  void gateway.end("SIGUSR2");
  await expect.poll(() => fatals(gateway)).toHaveLength(1);
  await sendRest();
  expect(await gateway.end()).toBe(1);
});
