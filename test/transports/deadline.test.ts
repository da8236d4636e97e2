// Deadlines and cancellation, through every protocol: a handler hears how long its caller waits, never longer than a
// minute, and that it has gone.

import { type CallOptions, createClient, createServiceImplSpec, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { credentials, Metadata, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { AuthServiceClient } from "../../gen/grpc/countersign/auth/v1/auth.ts";
import { type Mounted, mount } from "./mount.ts";

/** What the handler saw of a call. */
interface Seen {
  readonly timeoutMs: number | undefined;
  readonly aborted: Promise<void>;
}

let mounted: Mounted;
const waiting = new Map<string, (seen: Seen) => void>();

/** Waits for its caller to go when the device_key says so. */
const spec = createServiceImplSpec<typeof AuthService>(AuthService, {
  async login({ deviceKey }, context) {
    const aborted = new Promise<void>((resolve) => {
      if (context.signal.aborted) resolve();
      context.signal.addEventListener("abort", () => resolve());
    });
    waiting.get(deviceKey)?.({ timeoutMs: context.timeoutMs(), aborted });
    if (deviceKey.startsWith("wait")) await aborted;
    return { token: "t", expiresIn: 1 };
  },
});

beforeAll(async () => {
  mounted = await mount(spec);
});
afterAll(() => mounted.close());

type Call = (deviceKey: string, options: CallOptions) => Promise<unknown>;

const over =
  (create: (baseUrl: string) => Transport): Call =>
  (deviceKey, options) =>
    createClient(AuthService, create(mounted.shared.url)).login({ deviceKey }, options);

const calls: Readonly<Record<string, Call>> = {
  "Connect, JSON": over((baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false })),
  "Connect, proto, HTTP/2": over((baseUrl) =>
    createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: true }),
  ),
  "gRPC-Web": over((baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" })),
  "gRPC, shared port": over((baseUrl) => createGrpcTransport({ baseUrl })),
  "gRPC, grpc-js": (deviceKey, { timeoutMs, signal }) =>
    new Promise((resolve, reject) => {
      const client = new AuthServiceClient(new URL(mounted.native.url).host, credentials.createInsecure());
      const call = client.login(
        { device_key: deviceKey, timestamp: undefined, device_signature: "" },
        new Metadata(),
        timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs },
        (error, answer) => {
          client.close();
          if (error === null) resolve(answer);
          else reject(error);
        },
      );
      signal?.addEventListener("abort", () => call.cancel());
    }),
};

let count = 0;
async function see(call: Call, kind: "wait" | "answer", options: CallOptions): Promise<Seen> {
  const deviceKey = `${kind}-${count++}`;
  const seen = new Promise<Seen>((resolve) => waiting.set(deviceKey, resolve));
  const ended = call(deviceKey, options).catch(() => {});
  const result = await seen;
  if (kind === "answer") await ended;
  return result;
}

describe.each(Object.entries(calls))("%s", (_name, call) => {
  test("without a deadline the handler is told of none", async () => {
    expect((await see(call, "answer", {})).timeoutMs).toBeUndefined();
  });

  test("a deadline is told", async () => {
    const { timeoutMs = 0 } = await see(call, "answer", { timeoutMs: 20_000 });
    expect(timeoutMs).toBeGreaterThan(15_000);
    expect(timeoutMs).toBeLessThanOrEqual(20_000);
  });

  test("one that is too long is clamped, not refused", async () => {
    const { timeoutMs = 0 } = await see(call, "answer", { timeoutMs: 86_400_000 });
    expect(timeoutMs).toBeGreaterThan(55_000);
    expect(timeoutMs).toBeLessThanOrEqual(60_000);
  });

  test("a handler that is still at work hears when the time is over", async () => {
    await (await see(call, "wait", { timeoutMs: 300 })).aborted;
  });

  test("a handler hears when its caller cancels", async () => {
    const abort = new AbortController();
    const { aborted } = await see(call, "wait", { signal: abort.signal });
    abort.abort();
    await aborted;
  });
});

test("over REST a handler hears when its caller is gone", async () => {
  const abort = new AbortController();
  const call: Call = (device_key) =>
    fetch(`${mounted.shared.url}/auth/login`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ device_key }),
      signal: abort.signal,
    });
  const { aborted, timeoutMs } = await see(call, "wait", {});
  expect(timeoutMs).toBeUndefined();
  abort.abort();
  await aborted;
});

test.each(["x", "-1", "1.5", "99999999999", ""])("a connect-timeout-ms of '%s' is malformed", async (timeout) => {
  const response = await fetch(`${mounted.shared.url}/countersign.auth.v1.AuthService/Login`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Connect-Timeout-Ms": timeout },
    body: "{}",
  });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    code: "invalid_argument",
    message: "connect-timeout-ms is not a whole number of at most 10 digits",
  });
});

test("grpc-js ends a call at its deadline whatever the handler does", async () => {
  const call = calls["gRPC, grpc-js"];
  await expect(call?.("wait-for-ever", { timeoutMs: 200 })).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
});
