// Connect's unary protocol by hand, for details that clients hide (connectrpc.com/docs/protocol).

import { fromBinary } from "@bufbuild/protobuf";
import { afterAll, describe, expect, test } from "vitest";
import { LoginResponseSchema } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { type HandAnswer, type HandRequest, sendByHand } from "./hand.ts";
import { mount } from "./mount.ts";
import { loginMessage as login, scriptedService } from "./scripted-service.ts";

const listener = await mount(scriptedService());
afterAll(() => listener.close(0));

const PATH = "/countersign.auth.v1.AuthService/Login";
const json = ({ status, body }: HandAnswer): unknown => ({ status, ...JSON.parse(body.toString()) });

describe.for([1, 2] as const)("over HTTP/%i", (version) => {
  type Changes = Partial<HandRequest> & { readonly deviceKey?: string };
  function call({ deviceKey = "d", headers, ...changes }: Changes = {}): Promise<HandAnswer> {
    const all = { "content-type": "application/proto", ...headers };
    return sendByHand(listener.url, { version, path: PATH, body: login(deviceKey), ...changes, headers: all });
  }

  test.for(["application/json", "application/json; charset=utf-8", 'Application/JSON;charset="utf8"'])(
    "answers JSON in JSON under protobuf's names: %s",
    async (type) => {
      const body = Buffer.from('{"deviceKey": "d"}');
      const answer = await call({ headers: { "content-type": type, "connect-protocol-version": "1" }, body });
      expect(json(answer)).toEqual({ status: 200, token: "d", expiresIn: -1 });
      expect(answer.headers["content-type"]).toBe("application/json");
    },
  );

  test("answers protobuf in protobuf", async () => {
    const { status, headers, body } = await call();
    expect([status, headers["content-type"]]).toEqual([200, "application/proto"]);
    expect(fromBinary(LoginResponseSchema, body).token).toBe("d");
  });

  test("sends binary metadata as base64", async () => {
    const bytes = Buffer.of(0, 1, 254, 255).toString("base64");
    const { headers } = await call({ deviceKey: "headers", headers: { "x-echo-bin": bytes } });
    expect(headers).toMatchObject({ "x-before": "early", "x-echo-bin": bytes });
  });

  test("sends an error in JSON, with the handler's headers", async () => {
    const answer = await call({ deviceKey: "foreign" });
    expect(json(answer)).toEqual({
      status: 404,
      code: "not_found",
      message: "no such thing, 50 % sure",
      details: [{ type: "google.rpc.ErrorInfo", value: expect.stringMatching(/^[\w+/]+$/) }],
    });
    expect(answer.headers).toMatchObject({
      "content-type": "application/json",
      "x-before": "early",
      "x-of-error": "set",
    });
  });

  const compressed = (coding: string, body = login("d")): Changes => ({
    headers: { "content-encoding": coding },
    body,
  });
  const UNKNOWN = {
    status: 501,
    code: "unimplemented",
    message: "the message has an unknown compression. Use identity or gzip or deflate",
  };
  const invalid = (message: string) => ({ status: 400, code: "invalid_argument", message });
  test.for<readonly [name: string, changes: Changes, expected: object]>([
    ["a response that protobuf cannot hold", { deviceKey: "unwritable" }, { status: 500, code: "internal" }],
    [
      "a message that is not protobuf",
      { body: Buffer.of(0xff) },
      invalid("the body is not a protobuf message of this method"),
    ],
    [
      "a body over the limit before its end",
      { body: Buffer.alloc(4097), isUnfinished: true },
      { status: 429, message: "the request has more than 4096 bytes" },
    ],
    [
      "bytes that are not compressed",
      compressed("gzip", Buffer.of(1, 2, 3)),
      invalid("the message is not compressed as its header says"),
    ],
    ["an unknown compression", compressed("br"), UNKNOWN],
    ["a compression of a name that objects inherit", compressed("toString"), UNKNOWN],
    [
      "a call whose deadline passes",
      { deviceKey: "waits", headers: { "connect-timeout-ms": "50" } },
      { status: 504, code: "deadline_exceeded" },
    ],
  ])("answers %s with its code", async ([, changes, expected]) => {
    expect(json(await call(changes))).toMatchObject(expected);
  });

  test.for(["application/json; charset=latin1", "application/connect+json", "application/protobuf", "text/json"])(
    "rejects the media type %s",
    async (type) => {
      const answer = await call({ headers: { "content-type": type } });
      const [sent] = type.split(";");
      const wanted = "application/json, application/proto, application/grpc or application/grpc-web";
      const message = `the Content-Type is ${sent}. Send ${wanted}`;
      expect(json(answer)).toMatchObject({ status: 415, code: "unimplemented", message });
    },
  );

  test.for([
    ["0", 0],
    ["1500", 1_500],
    ["60000", 60_000],
    ["60001", 60_000],
    ["9999999999", 60_000],
  ] as const)("reads the connect-timeout-ms %s as %i ms", async ([timeout, ms]) => {
    const { body } = await call({ headers: { "connect-timeout-ms": timeout } });
    expect(fromBinary(LoginResponseSchema, body).expiresIn).toBe(ms);
  });

  test.for(["", "x", "-1", "+1", "1.5", "1e3", "0x1", "99999999999"])(
    "rejects the connect-timeout-ms %j",
    async (timeout) => {
      const message = "connect-timeout-ms is not a whole number of at most 10 digits";
      const answer = await call({ headers: { "connect-timeout-ms": timeout } });
      expect(json(answer)).toMatchObject({ status: 400, code: "invalid_argument", message });
    },
  );

  test.for(["GET", "PUT", "HEAD", "OPTIONS"])("answers %s with 405 and the method to use", async (method) => {
    const { status, headers, body } = await call({ method, body: Buffer.alloc(0) });
    expect([status, headers["allow"]]).toEqual([405, "POST"]);
    expect(body.length > 0).toBe(method !== "HEAD");
  });
});
