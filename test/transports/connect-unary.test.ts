// Connect's unary protocol letter by letter, where the library's own client would not show a difference.

import { gzipSync } from "node:zlib";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createServiceImplSpec } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AuthService, LoginRequestSchema, LoginResponseSchema } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { createConnect } from "../../src/transports/connect.ts";
import { codecOf } from "../../src/transports/connect-unary.ts";
import { type Listener, listen } from "../../src/transports/listener.ts";

let listener: Listener;
let heard: string;
const spec = createServiceImplSpec<typeof AuthService>(AuthService, {
  login({ deviceKey }, context) {
    heard = deviceKey;
    context.responseTrailer.set("X-After", "later");
    context.responseHeader.set("X-RateLimit-Limit", "7");
    if (deviceKey === "throws") throw new ConnectError("lost", Code.DataLoss);
    return { token: deviceKey === "long" ? "t".repeat(2_000) : "short", expiresIn: 600 };
  },
});

beforeAll(async () => {
  const options = { services: [{ spec }], onRefused: () => {}, onFault: () => {}, now: Date.now };
  const { handle } = createConnect(options);
  const http2 = { accept: () => {}, close: async () => {} };
  listener = await listen({ host: "127.0.0.1", port: 0, handle, http2, onFault: () => {} });
});
afterAll(() => listener.close(0));

const PATH = "/countersign.auth.v1.AuthService/Login";

function post(body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>): Promise<Response> {
  return fetch(listener.url + PATH, { method: "POST", headers, body });
}

const json = { "Content-Type": "application/json" };
const proto = { "Content-Type": "application/proto" };
const request = (deviceKey: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(toBinary(LoginRequestSchema, create(LoginRequestSchema, { deviceKey })));

test("a call in JSON is answered in JSON, by protobuf's names", async () => {
  const response = await post('{"deviceKey": "d"}', { ...json, "Connect-Protocol-Version": "1" });
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(await response.json()).toEqual({ token: "short", expiresIn: 600 });
});

test("a call in protobuf is answered in protobuf", async () => {
  const response = await post(request("d"), proto);
  expect(response.headers.get("content-type")).toBe("application/proto");
  const answer = fromBinary(LoginResponseSchema, new Uint8Array(await response.arrayBuffer()));
  expect(answer).toMatchObject({ token: "short", expiresIn: 600 });
});

test("trailers are headers with a prefix, and the handler's headers are there", async () => {
  const { headers } = await post("{}", json);
  expect(headers.get("trailer-x-after")).toBe("later");
  expect(headers.get("x-ratelimit-limit")).toBe("7");
});

test("an error is JSON, whatever the call was in, and has the handler's headers and trailers", async () => {
  const response = await post(request("throws"), proto);
  expect(response.status).toBe(500);
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(response.headers.get("trailer-x-after")).toBe("later");
  expect(response.headers.get("x-ratelimit-limit")).toBe("7");
  expect(await response.json()).toMatchObject({ code: "data_loss", message: "lost" });
});

test("so is one of a call that could not be read", async () => {
  const response = await post(Uint8Array.of(0xff), proto);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    code: "invalid_argument",
    message: "the body is not a protobuf message of this method",
    details: [{ type: "google.rpc.ErrorInfo", value: expect.any(String) }],
  });
});

describe("compression", () => {
  test("an answer is compressed where it is asked for and pays", async () => {
    const response = await post(request("long"), { ...proto, "Accept-Encoding": "br, gzip" });
    expect(response.headers.get("content-encoding")).toBe("gzip");
    const answer = fromBinary(LoginResponseSchema, new Uint8Array(await response.arrayBuffer()));
    expect(answer.token).toHaveLength(2_000);
    expect(Number(response.headers.get("content-length"))).toBeLessThan(200);
  });

  test.each([
    ["a short one", "short", "gzip"],
    ["one that nobody asked to compress", "long", "identity"],
  ])("%s is not", async (_what, deviceKey, accepted) => {
    const response = await post(request(deviceKey), { ...proto, "Accept-Encoding": accepted });
    expect(response.headers.get("content-encoding")).toBeNull();
  });

  test("a request may be compressed", async () => {
    const response = await post(Uint8Array.from(gzipSync(request("d"))), { ...proto, "Content-Encoding": "gzip" });
    expect(response.status).toBe(200);
    expect(heard).toBe("d");
  });

  test.each([
    ["gzip that is none", 400, Uint8Array.of(1, 2, 3), "gzip", "the message is not compressed as its header says"],
    ["a bomb", 429, Uint8Array.from(gzipSync(Buffer.alloc(1_000_000))), "gzip", "the request has more than 4096 bytes"],
    [
      "another coding",
      400,
      request("d"),
      "br",
      "the message is compressed in a way that is not served. Use gzip or none",
    ],
  ])("%s is refused", async (_what, status, body, coding, message) => {
    const response = await post(body, { ...proto, "Content-Encoding": coding });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ message });
  });
});

test.each([
  ["application/json", "application/json"],
  ["application/json; charset=utf-8", "application/json"],
  ['application/json;charset="utf8"', "application/json"],
  ["application/proto", "application/proto"],
  ["application/json; charset=latin1", undefined],
  ["application/connect+json", undefined],
  ["application/proto; charset=utf-8", undefined],
  ["application/protobuf", undefined],
  ["text/json", undefined],
  ["", undefined],
])("the media type '%s' has the codec %s", (contentType, codec) => {
  expect(codecOf(contentType)?.contentType).toBe(codec);
});

test.each(["GET", "PUT", "DELETE"])("%s is told what is allowed", async (method) => {
  const response = await fetch(listener.url + PATH, { method });
  expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
});
