// The caller of a request: its address and its request id.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createServiceImplSpec } from "@connectrpc/connect";
import fc from "fast-check";
import { afterAll, beforeEach, expect, test } from "vitest";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { limitAddress, readNetwork } from "../../src/core/limiter/addresses.ts";
import { createCallerFrom, findOrigin, trustNetworks } from "../../src/http/caller.ts";
import { callerOf, type RequestCaller } from "../../src/protocols/call.ts";
import { postJson } from "../ask.ts";
import { signNow, startTestGateway } from "../gateway.ts";
import { sendByHand } from "../protocols/hand.ts";
import { mountAll } from "../protocols/mount.ts";
import { exchange } from "./raw-http.ts";

test.for([
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["64:ff9b::192.0.2.1", "192.0.2.1"],
  ["64:ff9b::", "0.0.0.0"],
  ["64:ff9b::1:c000:201", "64:ff9b::/64"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:db8:1:2::1", "2001:db8:1:2::/64"],
  ["2001:db8:1:3::1", "2001:db8:1:3::/64"],
  ["::1", "::/64"],
  ["fe80::1%eth0", "fe80::/64"],
  ["", "unknown"],
  ["192.0.2.256", "unknown"],
] as const)("limits count %j under %j", ([address, counted]) => {
  expect(limitAddress(address)).toBe(counted);
});

test("without trusted proxies the peer is the caller, and each request has an id of its own", () => {
  const callerFrom = createCallerFrom(trustNetworks([]));
  const request = { remoteAddress: "192.0.2.1", headers: { "x-forwarded-for": "192.0.2.2" } };
  const requestId = expect.stringMatching(/^[0-9a-f-]{36}$/);
  expect(callerFrom(request, "rest")).toEqual({ address: "192.0.2.1", protocol: "rest", requestId });
  const ids = Array.from({ length: 100 }, () => callerFrom(request, "rest").requestId);
  expect(new Set(ids).size).toBe(100);
});

test.for([
  ["::ffff:10.0.0.1", "::ffff:192.0.2.1", "192.0.2.1"],
  ["2001:db8:ffff::1", "2001:db8:1:2:3::4", "2001:db8:1:2::/64"],
  ["64:ff9b::10.0.0.1", "192.0.2.1", "10.0.0.1"],
  ["192.0.2.9", "192.0.2.1", "192.0.2.9"],
] as const)("behind trusted proxies the peer %j with the list %j counts under %s", ([remoteAddress, list, counted]) => {
  const callerFrom = createCallerFrom(trustNetworks(["10.0.0.0/8", "2001:db8:ffff::/48"].map(readNetwork)));
  // RFC 7239's header, which a stranger may have written, is not read.
  const headers = { "x-forwarded-for": list, forwarded: "for=192.0.2.77" };
  expect(callerFrom({ remoteAddress, headers }, "rest").address).toBe(counted);
});

/** A peer that is trusted. */
const PEER = "10.0.0.1";
const isTrusted = (address: string): boolean => address.startsWith("10.") || address.startsWith("fd00:");
const origin = (list: string | undefined): string => findOrigin(PEER, list, isTrusted);

test.for([
  ["192.0.2.1", "192.0.2.1"],
  ["192.0.2.1:567", "192.0.2.1"],
  ["2001:db8::1", "2001:db8::1"],
  ["[2001:db8::1]", "2001:db8::1"],
  ["[2001:DB8::1]:567", "2001:DB8::1"],
  ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
  ["6.6.6.6, 192.0.2.1", "192.0.2.1"],
  ["6.6.6.6,192.0.2.1,10.0.0.2 , \t10.0.0.3", "192.0.2.1"],
  ["192.0.2.1, fd00::1, [fd00::2]:80", "192.0.2.1"],
  // All trusted: the leftmost.
  ["10.0.0.3, 10.0.0.2", "10.0.0.3"],
  // No address: the last trusted hop.
  ["192.0.2.1, _hidden, 10.0.0.2", "10.0.0.2"],
  ["192.0.2.1, , 10.0.0.2", "10.0.0.2"],
  ...[
    ...["unknown", "", "192.0.2", "1", "0x7f.1", "192.0.2.01", "192.0.2.2:", "192.0.2.2:123456", "[192.0.2.2]"],
    ...["[2001:db8::1", "2001:db8:::1", "fe80::1%eth0", "for=192.0.2.2", "192.0.2.2 192.0.2.3", "localhost"],
  ].map((entry): [string, string] => [`192.0.2.1, ${entry}`, PEER]),
  ["", PEER],
  [undefined, PEER],
] as const)("%j is from %s", ([list, expected]) => {
  expect(origin(list)).toBe(expected);
});

/** Header text of a client, with many of the characters that have a meaning. */
const TOKENS = ['"', "\\", ",", ";", "=", " ", "for=", "for=6.6.6.6", "6.6.6.6", "10.0.0.9", "unknown", "[", "]:1"];
const anything = fc
  .array(fc.oneof(fc.constantFrom(...TOKENS), fc.string({ maxLength: 5 })), { maxLength: 30 })
  .map((parts) => parts.join("").replace(/[^\t\x20-\x7e]/g, ""));
const stranger = fc.oneof(fc.ipV4(), fc.ipV6()).filter((one) => !isTrusted(one));
const hops = fc.array(fc.constantFrom("10.1.2.3", "fd00::1", "10.255.0.1:80"), { maxLength: 4 });

test("any text of the client gives an address, and changes nothing left of the proxies' entries", () => {
  fc.assert(
    fc.property(anything, stranger, hops, (text, caller, proxies) => {
      expect(origin(text)).toMatch(/^[\da-f:.]+$/i);
      expect(origin([text, caller, ...proxies].join(", "))).toBe(caller);
    }),
    { numRuns: 300 },
  );
});

test("only the proxies' entries and one more are read, at most 32", () => {
  const asked: string[] = [];
  findOrigin(PEER, `${"10.0.0.9,".repeat(1_800)}192.0.2.1, 10.0.0.2`, (one) => asked.push(one) > 0 && isTrusted(one));
  expect(asked).toEqual(["10.0.0.2", "192.0.2.1"]);
  const proxies = Array<string>(31).fill("10.0.0.9").join();
  expect([origin(`192.0.2.1,${proxies}`), origin(`192.0.2.1,${proxies},10.0.0.9`)]).toEqual(["192.0.2.1", "10.0.0.9"]);
});

test("a stored address does not keep its header in memory", () => {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect !== "function") throw new TypeError("gc is not exposed");
  collect();
  const before = process.memoryUsage().heapUsed;
  const stored = Array.from({ length: 1_000 }, (_, at) =>
    origin(Buffer.from(`${"x".repeat(15_000)}, 203.0.113.${100 + (at % 100)}`).toString("latin1")),
  );
  collect();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(5_000_000);
  expect(stored).toHaveLength(1_000);
});

const LOGIN = "/countersign.auth.v1.AuthService/Login";
/** Protocol and address of each caller: of a handled call, or of an error outside of handlers. */
const callers: string[] = [];
const note = ({ protocol, address }: RequestCaller) => callers.push(`${protocol} ${address}`);
const spec = createServiceImplSpec<typeof AuthService>(AuthService, {
  login(_request, context) {
    note(callerOf(context));
    return { token: "", expiresIn: 0 };
  },
});
const listener = await mountAll([{ spec }], {
  endpoints: { "/livez": { method: "GET", answer: () => ({ body: "ok\n" }) } },
  callerFrom: createCallerFrom(trustNetworks([readNetwork("127.0.0.1")])),
  onError: (_error, caller) => note(caller),
});
afterAll(() => listener.close(0));
beforeEach(() => void callers.splice(0));

const JSON_TYPE = { "content-type": "application/json" };
const GRPC = { "content-type": "application/grpc" };
const WEB = { "content-type": "application/grpc-web+proto" };
const EMPTY = "\0\0\0\0\0";

test.each<[string, string, readonly (1 | 2)[], string, Record<string, string>, string?]>([
  ["a call", "rest", [1, 2], "/auth/login", JSON_TYPE, "{}"],
  ["a call", "connect", [1, 2], LOGIN, JSON_TYPE, "{}"],
  ["a call", "grpc-web", [1, 2], LOGIN, WEB, EMPTY],
  ["a call", "grpc", [1, 2], LOGIN, GRPC, EMPTY],
  ["an unknown path", "rest", [1, 2], "/nothing", {}],
  ["a POST to a document", "rest", [1, 2], "/livez", {}],
  ["a body that is not JSON", "rest", [1, 2], "/auth/login", JSON_TYPE, "{"],
  ["an unknown media type", "connect", [1, 2], LOGIN, { "content-type": "text/plain" }, "{}"],
  ["an unknown encoding", "grpc", [2], LOGIN, { ...GRPC, "grpc-encoding": "br" }],
  ["a call without a message", "grpc", [2], LOGIN, GRPC],
  ["a message that does not decode", "grpc", [2], LOGIN, GRPC, "\0\0\0\0\x01\xff"],
])("%s over %s in HTTP/%j has its caller", async (_name, protocol, versions, path, fields, text = "") => {
  // Two lines of the header are one list.
  const headers = { "x-forwarded-for": ["6.6.6.6", "192.0.2.1, 127.0.0.1"], te: "trailers", ...fields };
  const body = Buffer.from(text, "latin1");
  for (const version of versions) await sendByHand(listener.url, { version, path, headers, body });
  expect(callers).toEqual(versions.map(() => `${protocol} 192.0.2.1`));
});

test("a request with more header lines than Node keeps is refused before it is handled", async () => {
  const head = `GET /nothing HTTP/1.1\r\nX-Forwarded-For: 6.6.6.6\r\n${"a: 1\r\n".repeat(1_100)}`;
  const { status } = await exchange(listener.url, `${head}X-Forwarded-For: 192.0.2.1\r\n\r\n`);
  expect([status, callers]).toEqual([431, []]);
});

test("the gateway limits a caller behind its proxies by the limit of the caller's network", async () => {
  const { publicUrl } = await startTestGateway({
    FAILURE_LIMIT: "off",
    TRUSTED_PROXIES: "127.0.0.1",
    ADDRESS_LIMIT: "1/60s",
    ADDRESS_LIMIT_OVERRIDES: "198.51.100.0/24=2/60s",
  });
  const statuses: number[] = [];
  for (const client of ["198.51.100.1", "192.0.2.1"].flatMap((one) => [one, one, one])) {
    const headers = { "X-Forwarded-For": client };
    statuses.push((await postJson(new URL("/auth/login", publicUrl), signNow("nobody"), { headers })).status);
  }
  expect(statuses).toEqual([401, 401, 429, 401, 429, 429]);
});
