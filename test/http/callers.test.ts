// Each kind of request counts under the client address of a trusted proxy, over HTTP/1 and HTTP/2.

import { createServiceImplSpec } from "@connectrpc/connect";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { readNetwork } from "../../src/core/limiter/addresses.ts";
import { createCallerFrom, trustNetworks } from "../../src/http/caller.ts";
import type { Listener } from "../../src/http/listener.ts";
import { callerOf } from "../../src/protocols/call.ts";
import { postJson } from "../ask.ts";
import { signNow, startTestGateway } from "../gateway.ts";
import { type HandAnswer, sendByHand } from "../protocols/hand.ts";
import { mountAll } from "../protocols/mount.ts";
import { exchange } from "./raw-http.ts";

const LINES = ["6.6.6.6", "192.0.2.1, 127.0.0.1"];
const LOGIN = "/countersign.auth.v1.AuthService/Login";

let listener: Listener;
/** Protocol and address of each caller: of a handled call, or of an error outside of handlers. */
let callers: string[] = [];

beforeAll(async () => {
  const spec = createServiceImplSpec<typeof AuthService>(AuthService, {
    login(_request, context) {
      const { protocol, address } = callerOf(context);
      callers.push(`${protocol} ${address}`);
      return { token: "", expiresIn: 0 };
    },
  });
  listener = await mountAll([{ spec }], {
    endpoints: { "/livez": { method: "GET", answer: () => ({ body: "ok\n" }) } },
    callerFrom: createCallerFrom(trustNetworks([readNetwork("127.0.0.1")])),
    onError: (_error, { protocol, address }) => callers.push(`${protocol} ${address}`),
  });
});
afterAll(() => listener.close(0));
beforeEach(() => {
  callers = [];
});

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly type?: string;
  readonly body?: string;
  readonly encoding?: string;
}

/** Sends a request with two lines of X-Forwarded-For, and reads the answer. */
function send(version: 1 | 2, { type, body = "", encoding, ...request }: Sent): Promise<HandAnswer> {
  const headers = {
    "x-forwarded-for": LINES,
    te: "trailers",
    ...(type !== undefined && { "content-type": type }),
    ...(encoding !== undefined && { "grpc-encoding": encoding }),
  };
  const bytes = body === "" ? {} : { body: Buffer.from(body, "latin1") };
  return sendByHand(listener.url, { version, path: LOGIN, ...request, headers, ...bytes });
}

const EMPTY = "\0\0\0\0\0";

test.each<[string, Sent, string]>([
  ["a call over REST", { path: "/auth/login", type: "application/json", body: "{}" }, "rest"],
  ["a call over Connect", { type: "application/json", body: "{}" }, "connect"],
  ["a call over gRPC-Web", { type: "application/grpc-web+proto", body: EMPTY }, "grpc-web"],
  ["an unknown path", { method: "GET", path: "/nothing" }, "rest"],
  ["a POST to a document", { path: "/livez" }, "rest"],
  ["a body that is not JSON", { path: "/auth/login", type: "application/json", body: "{" }, "rest"],
  ["an unknown media type", { type: "text/plain", body: "{}" }, "connect"],
])("%s over HTTP/1 and HTTP/2", async (_name, sent, protocol) => {
  for (const version of [1, 2] as const) await send(version, sent);
  expect(callers).toEqual([`${protocol} 192.0.2.1`, `${protocol} 192.0.2.1`]);
});

test.each<[string, Sent]>([
  ["a call", { body: EMPTY }],
  ["an unknown encoding", { encoding: "br" }],
  ["a call without a message", {}],
  ["a message that does not decode", { body: "\0\0\0\0\x01\xff" }],
])("%s over gRPC", async (_name, sent) => {
  await send(2, { type: "application/grpc", ...sent });
  expect(callers).toEqual(["grpc 192.0.2.1"]);
});

test("gRPC over HTTP/1", async () => {
  await send(1, { type: "application/grpc", body: EMPTY });
  expect(callers).toEqual(["grpc 192.0.2.1"]);
});

test("a request with more header lines than Node keeps is refused before it is handled", async () => {
  const head = `GET /nothing HTTP/1.1\r\nX-Forwarded-For: 6.6.6.6\r\n${"a: 1\r\n".repeat(1_100)}`;
  const { status } = await exchange(listener.url, `${head}X-Forwarded-For: 192.0.2.1\r\n\r\n`);
  expect([status, callers]).toEqual([431, []]);
});

/** Statuses of wrong proofs through a proxy, one for each client address. */
async function logIn(settings: Readonly<Record<string, string>>, clients: readonly string[]) {
  const gateway = await startTestGateway({ FAILURE_LIMIT: "off", ...settings });
  const statuses: number[] = [];
  for (const client of clients) {
    const headers = { "X-Forwarded-For": client };
    statuses.push((await postJson(new URL("/auth/login", gateway.publicUrl), signNow("nobody"), { headers })).status);
  }
  return statuses;
}

test("the limit of the smallest network of an address counts", async () => {
  const overrides = "198.51.100.0/24=2/60s,198.51.100.7=1/60s,2001:db8::/32=off";
  const settings = { TRUSTED_PROXIES: "127.0.0.1", ADDRESS_LIMIT: "1/60s", ADDRESS_LIMIT_OVERRIDES: overrides };
  const clients = ["198.51.100.1", "198.51.100.7", "2001:db8::1", "192.0.2.1"].flatMap((one) => [one, one, one]);
  const [ok, no] = [401, 429];
  expect(await logIn(settings, clients)).toEqual([ok, ok, no, ok, no, no, ok, ok, ok, ok, no, no]);
});
