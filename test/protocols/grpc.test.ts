// gRPC and gRPC-Web by hand, for details that clients hide (PROTOCOL-HTTP2.md, PROTOCOL-WEB.md).

import { once } from "node:events";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { envelope, type HandRequest, openHttp2, readGrpc, sendByHand } from "./hand.ts";
import { loginMessage as login, mountAll, scriptedService } from "./mount.ts";

let waiting = Promise.withResolvers<AbortSignal>();
const listener = await mountAll([{ spec: scriptedService((signal) => waiting.resolve(signal)) }]);
afterAll(() => listener.close(0));
beforeEach(() => {
  waiting = Promise.withResolvers();
});

const PATH = "/countersign.auth.v1.AuthService/Login";

const PROTOCOLS = [
  { name: "gRPC", version: 2, type: "application/grpc" },
  { name: "gRPC-Web over HTTP/1.1", version: 1, type: "application/grpc-web" },
  { name: "gRPC-Web over HTTP/2", version: 2, type: "application/grpc-web" },
] as const;

describe.for(PROTOCOLS)("$name", ({ version, type }) => {
  type Changes = Partial<HandRequest> & { readonly deviceKey?: string };
  async function call({ deviceKey = "d", headers, ...changes }: Changes = {}) {
    const all = { "content-type": type, te: "trailers", ...headers };
    const body = envelope(login(deviceKey));
    return readGrpc(await sendByHand(listener.url, { version, path: PATH, body, ...changes, headers: all }));
  }

  test("answers the media type without a subtype as it came", async () => {
    const { code, headers } = await call();
    expect([code, headers["content-type"]]).toEqual([0, type]);
  });

  test("answers an unknown encoding with code 12 and the list of known ones", async () => {
    const { code, headers } = await call({ headers: { "grpc-encoding": "br" } });
    expect([code, headers["grpc-accept-encoding"]]).toEqual([12, "identity,gzip,deflate"]);
  });

  const body = envelope(login("d"));
  const NOT_ONE = { code: 3, message: "the body is not one length-prefixed message" };
  const FLAGS = { code: 3, message: "the message has flags that a request does not have" };
  const flagged = (flags: number, coding?: string): Changes => ({
    headers: coding === undefined ? {} : { "grpc-encoding": coding },
    body: envelope(login("d"), flags),
  });
  test.for<readonly [name: string, changes: Changes, expected: object]>([
    ["no message", { body: Buffer.alloc(0) }, NOT_ONE],
    ["two messages", { body: Buffer.concat([body, body]) }, NOT_ONE],
    ["half a prefix", { body: Buffer.of(0, 0, 0) }, NOT_ONE],
    ["a truncated message", { body: envelope(login("d"), 0, 9) }, NOT_ONE],
    ["flag 1 without an encoding", flagged(1), FLAGS],
    ["flag 1 of identity", flagged(1, "identity"), FLAGS],
    ["flag 2", flagged(2, "gzip"), FLAGS],
    [
      "a prefix over the limit before the body arrives",
      { body: envelope(Buffer.of(1), 0, 4097), isUnfinished: true },
      { code: 8, message: "the request has more than 4096 bytes" },
    ],
  ])("answers %s with its code", async ([, changes, expected]) => {
    expect(await call(changes)).toMatchObject(expected);
  });

  test("sends an error's own headers as initial metadata", async () => {
    const { code, headers, trailers } = await call({ deviceKey: "limited" });
    expect([code, headers["x-ratelimit-limit"], headers["retry-after"]]).toEqual([8, "7", "2"]);
    expect(Object.keys(trailers).sort()).toEqual(["grpc-message", "grpc-status", "grpc-status-details-bin"]);
  });

  const UNKNOWN = "there is no such method on this listener";
  test.for([
    ["an unknown subtype", { headers: { "content-type": `${type}+foo` } }],
    ["an unknown method", { path: "/countersign.auth.v1.AuthService/Logout" }, UNKNOWN],
    ["an unknown service", { path: "/nowhere" }, UNKNOWN],
    ["PUT", { method: "PUT" }],
    ["GET", { method: "GET" }],
    ["OPTIONS", { method: "OPTIONS" }],
  ] as const)("answers %s with code 12", async ([, changes, text = expect.any(String)]) => {
    const { code, message, trailers } = await call(changes);
    expect([code, message]).toEqual([12, text]);
    expect(trailers["grpc-status-details-bin"]).toMatch(/^[\w+/]{20,}$/);
  });

  test("answers HEAD without a body", async () => {
    const head: HandRequest = { version, method: "HEAD", path: PATH, headers: { "content-type": type } };
    const answer = await sendByHand(listener.url, head);
    expect([answer.status, answer.headers["allow"], answer.body.length]).toEqual([200, "POST", 0]);
  });
});

// Before the method runs, the client's window cannot hold such an error back.
test.for<readonly [when: string, changes: Partial<HandRequest>, expected: object]>([
  ["a handler's without headers", { body: envelope(login("missing")) }, { "grpc-status": "5" }],
  ["one before the method runs", { method: "PUT" }, { "grpc-status": "12", allow: "POST" }],
])("gRPC sends an error as trailers-only: %s", async ([, changes, expected]) => {
  const headers = { "content-type": "application/grpc" };
  const answer = await sendByHand(listener.url, { version: 2, path: PATH, headers, ...changes });
  expect(answer.headers).toMatchObject({ ":status": 200, "content-type": "application/grpc", ...expected });
  expect([answer.trailers, answer.body.length]).toEqual([{}, 0]);
});

test("gRPC over HTTP/1.1 is answered in JSON", async () => {
  const headers = { "content-type": "application/grpc" };
  const body = envelope(login("d"));
  const { status, body: text } = await sendByHand(listener.url, { version: 1, path: PATH, headers, body });
  expect([status, JSON.parse(text.toString())]).toEqual([415, expect.objectContaining({ code: "unimplemented" })]);
});

test("a call that its caller cancels over HTTP/2 aborts the handler's signal", async () => {
  const headers = { "content-type": "application/grpc" };
  const { stream, end } = openHttp2(listener.url, { path: PATH, headers, body: envelope(login("waits")) });
  const signal = await waiting.promise;
  const aborted = once(signal, "abort");
  stream.close(8);
  await aborted;
  expect(String(signal.reason)).toContain("the caller has gone");
  end();
});
