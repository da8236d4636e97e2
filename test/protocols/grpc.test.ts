// gRPC and gRPC-Web by hand, for details that clients hide (PROTOCOL-HTTP2.md, PROTOCOL-WEB.md).

import { once } from "node:events";
import { deflateSync } from "node:zlib";
import { fromBinary, fromJsonString } from "@bufbuild/protobuf";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { LoginResponseSchema } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { envelope, type GrpcAnswer, type HandRequest, openHttp2, readGrpc, readStatus, sendByHand } from "./hand.ts";
import { mount } from "./mount.ts";
import { loginMessage as login, scriptedService } from "./scripted-service.ts";

let waiting = Promise.withResolvers<AbortSignal>();
const listener = await mount(scriptedService((signal) => waiting.resolve(signal)));
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
  async function call({ deviceKey = "d", headers, ...changes }: Changes = {}): Promise<GrpcAnswer> {
    const all = { "content-type": type, te: "trailers", ...headers };
    const body = envelope(login(deviceKey));
    return readGrpc(await sendByHand(listener.url, { version, path: PATH, body, ...changes, headers: all }));
  }

  test.for(["", "+proto"])("answers protobuf in protobuf: %j", async (subtype) => {
    const { code, response = Buffer.alloc(0), headers } = await call({ headers: { "content-type": type + subtype } });
    expect([code, headers["content-type"]]).toEqual([0, type + subtype]);
    expect(fromBinary(LoginResponseSchema, response).token).toBe("d");
  });

  test("answers JSON in JSON", async () => {
    const headers = { "content-type": `${type}+json` };
    const body = envelope(Buffer.from('{"deviceKey": "d"}'));
    const { code, response, headers: received } = await call({ headers, body });
    expect([code, received["content-type"]]).toEqual([0, `${type}+json`]);
    expect(fromJsonString(LoginResponseSchema, String(response)).token).toBe("d");
  });

  test("reads a message that is compressed by deflate", async () => {
    const body = envelope(deflateSync(login("packed")), 1);
    const { code, response = Buffer.alloc(0) } = await call({ headers: { "grpc-encoding": "deflate" }, body });
    expect([code, fromBinary(LoginResponseSchema, response).token]).toEqual([0, "packed"]);
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
  test.for<readonly [name: string, changes: Changes, expected: Partial<GrpcAnswer>]>([
    ["no message", { body: Buffer.alloc(0) }, NOT_ONE],
    ["two messages", { body: Buffer.concat([body, body]) }, NOT_ONE],
    ["half a prefix", { body: Buffer.of(0, 0, 0) }, NOT_ONE],
    ["a truncated message", { body: envelope(login("d"), 0, 9) }, NOT_ONE],
    ["flag 1 without an encoding", flagged(1), FLAGS],
    ["flag 1 of identity", flagged(1, "identity"), FLAGS],
    ["flag 2", flagged(2, "gzip"), FLAGS],
    ["flag 0x80", flagged(0x80, "gzip"), FLAGS],
    [
      "a plain message that is flagged as compressed",
      flagged(1, "gzip"),
      { code: 3, message: "the message is not compressed as its header says" },
    ],
    [
      "a prefix over the limit before the body arrives",
      { body: envelope(Buffer.of(1), 0, 4097), isUnfinished: true },
      { code: 8, message: "the request has more than 4096 bytes" },
    ],
    ["a response that protobuf cannot hold", { deviceKey: "unwritable" }, { code: 13 }],
    ["a call whose deadline passes", { deviceKey: "waits", headers: { "grpc-timeout": "50m" } }, { code: 4 }],
  ])("answers %s with its code", async ([, changes, expected]) => {
    expect(await call(changes)).toMatchObject(expected);
  });

  test.for([
    ["1H", 60_000],
    ["99999999H", 60_000],
    ["1M", 60_000],
    ["59S", 59_000],
    ["00000005S", 5_000],
    ["1500m", 1_500],
    ["1500u", 2],
    ["1n", 1],
    ["0S", 0],
  ] as const)("reads the grpc-timeout %s as %i ms", async ([timeout, ms]) => {
    const { response = Buffer.alloc(0) } = await call({ headers: { "grpc-timeout": timeout } });
    expect(fromBinary(LoginResponseSchema, response).expiresIn).toBe(ms);
  });

  test.for(["", "5", "S", "5s", "-1S", "+1S", "1.5S", "1 S", "5SS", "1e3m", "123456789S"])(
    "rejects the grpc-timeout %j",
    async (timeout) => {
      const message = "grpc-timeout is not at most 8 digits and a unit of H M S m u or n";
      expect(await call({ headers: { "grpc-timeout": timeout } })).toMatchObject({ code: 3, message });
    },
  );

  test("passes binary metadata both ways as base64", async () => {
    const bytes = Buffer.of(0, 1, 254, 255).toString("base64");
    const { headers } = await call({ deviceKey: "headers", headers: { "x-echo-bin": bytes } });
    expect([headers["x-echo-bin"], headers["x-before"]]).toEqual([bytes, "early"]);
  });

  test("ignores a handler's own Content-Type", async () => {
    const { code, headers } = await call({ deviceKey: "type" });
    expect([code, headers["content-type"]]).toEqual([0, type]);
  });

  test("keeps the code, message, details and metadata of a handler's own error", async () => {
    const { code, message, headers, trailers } = await call({ deviceKey: "foreign" });
    expect([code, message, headers["x-before"]]).toEqual([5, "no such thing, 50 % sure", "early"]);
    expect(trailers).toMatchObject({ "x-of-error": "set" });
    const { details } = readStatus(Buffer.from(String(trailers["grpc-status-details-bin"]), "base64"), "");
    expect(details).toMatchObject([{ type: "google.rpc.ErrorInfo" }]);
  });

  test("sends an error's own headers as initial metadata", async () => {
    const { code, headers, trailers } = await call({ deviceKey: "limited" });
    expect([code, headers["x-ratelimit-limit"], headers["retry-after"]]).toEqual([8, "7", "2"]);
    expect(Object.keys(trailers).sort()).toEqual(["grpc-message", "grpc-status", "grpc-status-details-bin"]);
  });

  test.for([
    ["an unknown subtype", { headers: { "content-type": `${type}+foo` } }],
    [
      "an unknown method",
      { path: "/countersign.auth.v1.AuthService/Logout" },
      "there is no such method on this listener",
    ],
    ["an unknown service", { path: "/nowhere" }, "there is no such method on this listener"],
    ["PUT", { method: "PUT" }],
    ["GET", { method: "GET" }],
    ["OPTIONS", { method: "OPTIONS" }],
  ] as const)("answers %s with code 12", async ([, changes, text = expect.any(String)]) => {
    const { code, message, trailers } = await call(changes);
    expect(message).toEqual(text);
    expect([code, trailers["grpc-status-details-bin"]]).toEqual([12, expect.stringMatching(/^[\w+/]{20,}$/)]);
  });

  test("answers HEAD without a body", async () => {
    const answer = await sendByHand(listener.url, {
      version,
      method: "HEAD",
      path: PATH,
      headers: { "content-type": type },
    });
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
