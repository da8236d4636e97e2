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
import { sendByHand } from "../protocols/hand.ts";
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
  readonly headers?: Record<string, string>;
}

const JSON_TYPE = "application/json";
const EMPTY = "\0\0\0\0\0";
const BOTH = [1, 2] as const;

test.each<[string, string, readonly (1 | 2)[], Sent]>([
  ["a call", "rest", BOTH, { path: "/auth/login", type: JSON_TYPE, body: "{}" }],
  ["a call", "connect", BOTH, { type: JSON_TYPE, body: "{}" }],
  ["a call", "grpc-web", BOTH, { type: "application/grpc-web+proto", body: EMPTY }],
  ["a call", "grpc", BOTH, { type: "application/grpc", body: EMPTY }],
  ["an unknown path", "rest", BOTH, { method: "GET", path: "/nothing" }],
  ["a POST to a document", "rest", BOTH, { path: "/livez" }],
  ["a body that is not JSON", "rest", BOTH, { path: "/auth/login", type: JSON_TYPE, body: "{" }],
  ["an unknown media type", "connect", BOTH, { type: "text/plain", body: "{}" }],
  ["an unknown encoding", "grpc", [2], { type: "application/grpc", headers: { "grpc-encoding": "br" } }],
  ["a call without a message", "grpc", [2], { type: "application/grpc" }],
  ["a message that does not decode", "grpc", [2], { type: "application/grpc", body: "\0\0\0\0\x01\xff" }],
])("%s over %s in HTTP/%j", async (_name, protocol, versions, { type, body, headers, ...request }) => {
  const all = { "x-forwarded-for": LINES, te: "trailers", ...(type && { "content-type": type }), ...headers };
  const bytes = body === undefined ? {} : { body: Buffer.from(body, "latin1") };
  for (const version of versions) {
    await sendByHand(listener.url, { version, path: LOGIN, ...request, headers: all, ...bytes });
  }
  expect(callers).toEqual(versions.map(() => `${protocol} 192.0.2.1`));
});

test("a request with more header lines than Node keeps is refused before it is handled", async () => {
  const head = `GET /nothing HTTP/1.1\r\nX-Forwarded-For: 6.6.6.6\r\n${"a: 1\r\n".repeat(1_100)}`;
  const { status } = await exchange(listener.url, `${head}X-Forwarded-For: 192.0.2.1\r\n\r\n`);
  expect([status, callers]).toEqual([431, []]);
});

test("the limit of the smallest network of an address counts", async () => {
  const { publicUrl } = await startTestGateway({
    FAILURE_LIMIT: "off",
    TRUSTED_PROXIES: "127.0.0.1",
    ADDRESS_LIMIT: "1/60s",
    ADDRESS_LIMIT_OVERRIDES: "198.51.100.0/24=2/60s,198.51.100.7=1/60s,2001:db8::/32=off",
  });
  const statuses: number[] = [];
  for (const client of ["198.51.100.1", "198.51.100.7", "2001:db8::1", "192.0.2.1"].flatMap((one) => [one, one, one])) {
    const headers = { "X-Forwarded-For": client };
    statuses.push((await postJson(new URL("/auth/login", publicUrl), signNow("nobody"), { headers })).status);
  }
  const [ok, no] = [401, 429];
  expect(statuses).toEqual([ok, ok, no, ok, no, no, ok, ok, ok, ok, no, no]);
});
