// Sends unary calls by hand over Connect, gRPC and gRPC-Web.

import { deflateSync, gzipSync } from "node:zlib";
import { fromBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { LoginResponseSchema } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { AuthError } from "../../src/core/errors.ts";
import { nameOf, toConnect } from "../../src/protocols/errors.ts";
import { envelope, type HandAnswer, type HandRequest, readGrpc, readStatus, sendByHand } from "./hand.ts";
import { loginMessage as login, mountAll, scriptedService } from "./mount.ts";

const LIMIT = 70_000;
const errors: AuthError[] = [];
const onError = (error: AuthError): void => void errors.push(error);
const service = { spec: scriptedService(), maxMessageBytes: LIMIT };
const listener = await mountAll([service], { onError });
const guard = () => Promise.reject(new AuthError("invalid_admin_token", "not an admin token"));
const guarded = await mountAll([{ ...service, guard }], { onError });
afterAll(() => Promise.all([listener.close(0), guarded.close(0)]));
beforeEach(() => {
  errors.length = 0;
});

const PATH = "/countersign.auth.v1.AuthService/Login";
const CONNECT = { type: "application/", coding: "content-encoding", timeout: "connect-timeout-ms" } as const;
const GRPC = { type: "application/grpc+", coding: "grpc-encoding", timeout: "grpc-timeout" } as const;
const WAYS = [
  { name: "Connect over HTTP/1.1", version: 1, ...CONNECT },
  { name: "Connect over HTTP/2", version: 2, ...CONNECT },
  { name: "gRPC", version: 2, ...GRPC },
  { name: "gRPC-Web over HTTP/1.1", version: 1, ...GRPC, type: "application/grpc-web+" },
  { name: "gRPC-Web over HTTP/2", version: 2, ...GRPC, type: "application/grpc-web+" },
] as const;
type Way = (typeof WAYS)[number];

interface Sent {
  readonly message?: Uint8Array;
  readonly codec?: "proto" | "json";
  /** Marks the message as compressed. */
  readonly coding?: string;
  readonly headers?: HandRequest["headers"];
}

/** Calls Login. @returns the answer with its code by name, and with headers and trailers together */
async function call(way: Way, { message = login("d"), codec = "proto", coding, headers }: Sent = {}) {
  const coded = coding !== undefined && { [way.coding]: coding };
  const all = { "content-type": way.type + codec, te: "trailers", ...coded, ...headers };
  const isConnect = way.type === "application/";
  const body = isConnect ? message : envelope(message, coding === undefined ? 0 : 1);
  const answer = await sendByHand(listener.url, { version: way.version, path: PATH, headers: all, body });
  if (isConnect) {
    const error = answer.status === 200 ? { code: "ok" } : JSON.parse(answer.body.toString());
    return { ...error, fields: answer.headers, response: answer.body };
  }
  const { code, trailers, response = Buffer.alloc(0), ...rest } = readGrpc(answer);
  const status = Buffer.from(String(trailers["grpc-status-details-bin"] ?? ""), "base64");
  const fields = { ...rest.headers, ...trailers };
  return { ...rest, code: code === 0 ? "ok" : nameOf(code), details: readStatus(status, "").details, fields, response };
}

describe.for(WAYS)("$name", (way) => {
  test("answers in the encoding of the request", async () => {
    const { response, fields } = await call(way);
    expect(fromBinary(LoginResponseSchema, response).token).toBe("d");
    expect(fields["content-type"]).toBe(`${way.type}proto`);
    const json = await call(way, { codec: "json", message: Buffer.from('{"deviceKey": "d"}') });
    expect(JSON.parse(String(json.response))).toEqual({ token: "d", expiresIn: -1 });
    expect(json.fields["content-type"]).toBe(`${way.type}json`);
  });

  test("passes binary metadata both ways as base64", async () => {
    const bytes = Buffer.of(0, 1, 254, 255).toString("base64");
    const { fields } = await call(way, { message: login("headers"), headers: { "x-echo-bin": bytes } });
    expect(fields).toMatchObject({ "x-before": "early", "x-echo-bin": bytes });
  });

  test("ignores a handler's own Content-Type", async () => {
    const { code, fields } = await call(way, { message: login("type") });
    expect([code, fields["content-type"]]).toEqual(["ok", `${way.type}proto`]);
  });

  test("keeps the code, message, details and metadata of a handler's own error", async () => {
    expect(await call(way, { message: login("foreign") })).toMatchObject({
      code: "not_found",
      message: "no such thing, 50 % sure",
      details: [{ type: "google.rpc.ErrorInfo" }],
      fields: { "x-before": "early", "x-of-error": "set" },
    });
  });

  const UNKNOWN = {
    code: "unimplemented",
    message: "the message has an unknown compression. Use identity or gzip or deflate",
  };
  const invalid = (message: string) => ({ code: "invalid_argument", message });
  test.for<readonly [name: string, sent: Sent, expected: object]>([
    ["a response that protobuf cannot hold", { message: login("unwritable") }, { code: "internal" }],
    [
      "a message that is not protobuf",
      { message: Buffer.of(0xff) },
      invalid("the body is not a protobuf message of this method"),
    ],
    [
      "bytes that are not compressed",
      { coding: "gzip", message: Buffer.of(1, 2, 3) },
      invalid("the message is not compressed as its header says"),
    ],
    ["an unknown compression", { coding: "br" }, UNKNOWN],
    ["a compression of a name that objects inherit", { coding: "toString" }, UNKNOWN],
    [
      "a call whose deadline passes",
      { message: login("waits"), headers: { [way.timeout]: way.timeout === "grpc-timeout" ? "50m" : "50" } },
      { code: "deadline_exceeded" },
    ],
  ])("answers %s with its code", async ([, sent, expected]) => {
    expect(await call(way, sent)).toMatchObject(expected);
  });

  test.for([
    [undefined, (bytes: Uint8Array) => bytes],
    ["gzip", gzipSync],
    ["deflate", deflateSync],
  ] as const)("limits the message of a service, compressed by %s", async ([coding, compress]) => {
    const send = (bytes: number) => call(way, { ...(coding && { coding }), message: compress(messageOf(bytes)) });
    expect(await send(LIMIT)).toMatchObject({ code: "ok" });
    const message = `the request has more than ${LIMIT} bytes`;
    for (const bytes of [LIMIT + 1, 3 * LIMIT]) {
      expect(await send(bytes)).toMatchObject({ code: "resource_exhausted", message });
    }
    expect(errors.map(({ reason }) => reason)).toEqual(["too_large", "too_large"]);
  });
});

/** A login whose message has `bytes` bytes: the field has a tag of one byte and a length of three. */
const messageOf = (bytes: number): Uint8Array => login("x".repeat(bytes - 4));

test.for([
  { name: "REST over HTTP/1.1", version: 1, type: "application/json", path: "/auth/login" } as const,
  { name: "REST over HTTP/2", version: 2, type: "application/json", path: "/auth/login" } as const,
  ...WAYS.map((way) => ({ ...way, type: `${way.type}proto`, path: PATH })),
])("a guard answers before the body arrives: $name", async ({ version, type, path }) => {
  const isGrpc = type.includes("grpc");
  const body = isGrpc ? envelope(Buffer.of(1), 0, LIMIT) : Buffer.from("{");
  const headers = { "content-type": type };
  const answer = await sendByHand(guarded.url, { version, path, headers, body, isUnfinished: true });
  expect(answer.headers["www-authenticate"]).toBe('Bearer realm="countersign", error="invalid_token"');
  if (isGrpc) expect(readGrpc(answer)).toMatchObject({ code: 16, message: "not an admin token" });
  else expect([answer.status, String(answer.body)]).toEqual([401, expect.stringContaining("not an admin token")]);
  expect(errors.map(({ reason }) => reason)).toEqual(["invalid_admin_token"]);
});

test.for([
  ["connect-timeout-ms", "0", 0],
  ["connect-timeout-ms", "1500", 1_500],
  ["connect-timeout-ms", "60001", 60_000],
  ["connect-timeout-ms", "9999999999", 60_000],
  ["grpc-timeout", "1H", 60_000],
  ["grpc-timeout", "1M", 60_000],
  ["grpc-timeout", "59S", 59_000],
  ["grpc-timeout", "00000005S", 5_000],
  ["grpc-timeout", "1500m", 1_500],
  ["grpc-timeout", "1500u", 2],
  ["grpc-timeout", "1n", 1],
  ["grpc-timeout", "0S", 0],
] as const)("reads %s: %s as %i ms", async ([name, timeout, ms]) => {
  const way = name === "grpc-timeout" ? WAYS[2] : WAYS[0];
  const { response } = await call(way, { headers: { [name]: timeout } });
  expect(fromBinary(LoginResponseSchema, response).expiresIn).toBe(ms);
});

const REJECTED = {
  "connect-timeout-ms": ["", "x", "-1", "+1", "1.5", "1e3", "0x1", "99999999999"],
  "grpc-timeout": ["", "5", "S", "5s", "-1S", "+1S", "1.5S", "1 S", "5SS", "1e3m", "123456789S"],
};
test.for([
  { way: WAYS[0], message: "connect-timeout-ms is not a whole number of at most 10 digits" },
  { way: WAYS[2], message: "grpc-timeout is not at most 8 digits and a unit of H M S m u or n" },
])("rejects another $way.timeout", async ({ way, message }) => {
  for (const timeout of REJECTED[way.timeout]) {
    const answer = await call(way, { headers: { [way.timeout]: timeout } });
    expect(answer, timeout).toMatchObject({ code: "invalid_argument", message });
  }
});

describe.for([1, 2] as const)("Connect's own form over HTTP/%i", (version) => {
  const json = ({ status, body }: HandAnswer): unknown => ({ status, ...JSON.parse(body.toString()) });
  function send(changes: Partial<HandRequest> = {}): Promise<HandAnswer> {
    const headers = { "content-type": "application/proto" };
    return sendByHand(listener.url, { version, path: PATH, headers, body: login("foreign"), ...changes });
  }

  test("sends an error in JSON", async () => {
    const answer = await send();
    expect(json(answer)).toEqual({
      status: 404,
      code: "not_found",
      message: "no such thing, 50 % sure",
      details: [{ type: "google.rpc.ErrorInfo", value: expect.stringMatching(/^[\w+/]+$/) }],
    });
    expect(answer.headers["content-type"]).toBe("application/json");
  });

  test("rejects a body over the limit before its end", async () => {
    const answer = await send({ body: Buffer.alloc(LIMIT + 1), isUnfinished: true });
    expect(json(answer)).toMatchObject({ status: 429, message: `the request has more than ${LIMIT} bytes` });
  });

  test.for(["application/json; charset=utf-8", 'Application/JSON;charset="utf8"'])("reads %s", async (type) => {
    const { status, headers } = await send({ headers: { "content-type": type }, body: Buffer.from("{}") });
    expect([status, headers["content-type"]]).toEqual([200, "application/json"]);
  });

  test.for(["application/json; charset=latin1", "application/connect+json", "application/protobuf", "text/json"])(
    "rejects the media type %s",
    async (type) => {
      const [sent] = type.split(";");
      const wanted = "application/json, application/proto, application/grpc or application/grpc-web";
      const message = `the Content-Type is ${sent}. Send ${wanted}`;
      const answer = await send({ headers: { "content-type": type } });
      const details = [expect.objectContaining({ type: "google.rpc.ErrorInfo" })];
      expect(json(answer)).toEqual({ status: 415, code: "unimplemented", message, details });
    },
  );

  test.for(["GET", "PUT", "HEAD", "OPTIONS"])("answers %s with 405 and the method to use", async (method) => {
    const { status, headers, body } = await send({ method, body: Buffer.alloc(0) });
    expect([status, headers["allow"]]).toEqual([405, "POST"]);
    expect(body.length > 0).toBe(method !== "HEAD");
  });
});

test.for([
  [Code.Internal, 500],
  [Code.InvalidArgument, 400],
  [Code.DeadlineExceeded, 504],
  [Code.ResourceExhausted, 429],
  [Code.Unimplemented, 501],
] as const)("the code %i has the HTTP status %i", ([code, status]) => {
  expect(toConnect(new ConnectError("planted", code)).status).toBe(status);
});
