// One fetch of a JWK Set: it ends in time, however its fetch behaves, and leaves nothing behind.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { fetchJwks } from "../../src/verify/jwks-fetch.ts";
import { newMint } from "./issuer.ts";
import { startIssuer } from "./start-issuer.ts";

type Fetch = typeof globalThis.fetch;

const never = new Promise<never>(() => {});
const TIMEOUT_MS = 30;
const LATE = `the JWK Set did not come within ${TIMEOUT_MS} ms`;

/** A fetch that looks at no signal. */
function deaf(answer: () => Promise<Response>): Fetch {
  return () => answer();
}

function fetchBy(fetch: Fetch, timeoutMs = TIMEOUT_MS): ReturnType<typeof fetchJwks> {
  return fetchJwks({ url: "https://auth.example/keys", fetch, timeoutMs }, undefined);
}

/** A body of which the first bytes come, and no others. @returns with it, whether it was given up */
function endless(): { body: ReadableStream<Uint8Array>; cancelled: () => boolean } {
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new Uint8Array([0x7b])),
    cancel() {
      cancelled = true;
    },
  });
  return { body, cancelled: () => cancelled };
}

test("a fetch that never answers, and looks at no signal, is given up in time", async () => {
  await expect(fetchBy(deaf(() => never))).rejects.toThrow(LATE);
});

test("a body that never ends is given up in time, and its connection with it", async () => {
  const { body, cancelled } = endless();
  await expect(fetchBy(deaf(async () => new Response(body)))).rejects.toThrow(LATE);
  expect(cancelled()).toBe(true);
});

test("so is one whose end was not waited for: of a refusal, or of too much", async () => {
  const refusal = endless();
  await expect(fetchBy(deaf(async () => new Response(refusal.body, { status: 503 })))).rejects.toThrow("status 503");
  expect(refusal.cancelled()).toBe(true);
  let cancelled = false;
  const flood = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(16_384)),
    cancel() {
      cancelled = true;
      return never;
    },
  });
  await expect(fetchBy(deaf(async () => new Response(flood)))).rejects.toThrow("more than 65536 bytes");
  expect(cancelled).toBe(true);
});

test("an answer that comes too late is given up, and one that fails too late is heard by nobody", async () => {
  const unhandled: unknown[] = [];
  const hear = (error: unknown): void => void unhandled.push(error);
  process.on("unhandledRejection", hear);
  onTestFinished(() => void process.off("unhandledRejection", hear));
  const late = Promise.withResolvers<Response>();
  await expect(fetchBy(deaf(() => late.promise))).rejects.toThrow(LATE);
  const { body, cancelled } = endless();
  late.resolve(new Response(body));
  await expect.poll(cancelled).toBe(true);

  const failing = Promise.withResolvers<Response>();
  await expect(fetchBy(deaf(() => failing.promise))).rejects.toThrow(LATE);
  failing.reject(new Error("too late"));
  // Node tells of those that nobody handles once its microtasks are done.
  await new Promise((resolve) => setImmediate(resolve));
  expect(unhandled).toEqual([]);
});

test("a signal that is looked at says why", async () => {
  const told = Promise.withResolvers<unknown>();
  const listening: Fetch = (_input, init) => {
    init?.signal?.addEventListener("abort", () => told.resolve(init.signal?.reason));
    return never;
  };
  await expect(fetchBy(listening)).rejects.toThrow(LATE);
  expect(await told.promise).toEqual(new Error(LATE));
});

test("a process that has its keys does not wait for the time that was left", async () => {
  const { url } = await startIssuer(newMint("key-1"));
  const program = `
    import { fetchJwks } from "./src/verify/jwks-fetch.ts";
    const { body } = await fetchJwks({ url: ${JSON.stringify(url)}, fetch, timeoutMs: 2 ** 31 - 1 }, undefined);
    process.stdout.write(Object.keys(JSON.parse(Buffer.from(body).toString())).join());`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "pipe"] });
  const [said, complaint] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  expect([said, complaint]).toEqual(["keys", ""]);
});
