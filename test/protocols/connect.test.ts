// Connect's unary protocol by hand: the HTTP status and body of errors (connectrpc.com/docs/protocol).

import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, describe, expect, test } from "vitest";
import { toConnect } from "../../src/protocols/errors.ts";
import { type HandAnswer, type HandRequest, sendByHand } from "./hand.ts";
import { mount } from "./mount.ts";
import { loginMessage, scriptedService } from "./scripted-service.ts";

const listener = await mount(scriptedService());
afterAll(() => listener.close(0));

const json = ({ status, body }: HandAnswer): unknown => ({ status, ...JSON.parse(body.toString()) });

describe.for([1, 2] as const)("over HTTP/%i", (version) => {
  function call(changes: Partial<HandRequest> = {}): Promise<HandAnswer> {
    const path = "/countersign.auth.v1.AuthService/Login";
    const headers = { "content-type": "application/proto" };
    return sendByHand(listener.url, { version, path, headers, body: loginMessage("foreign"), ...changes });
  }

  test("sends an error in JSON", async () => {
    const answer = await call();
    expect(json(answer)).toEqual({
      status: 404,
      code: "not_found",
      message: "no such thing, 50 % sure",
      details: [{ type: "google.rpc.ErrorInfo", value: expect.stringMatching(/^[\w+/]+$/) }],
    });
    expect(answer.headers["content-type"]).toBe("application/json");
  });

  test("rejects a body over the limit before its end", async () => {
    const answer = await call({ body: Buffer.alloc(4097), isUnfinished: true });
    expect(json(answer)).toMatchObject({ status: 429, message: "the request has more than 4096 bytes" });
  });

  test.for(["application/json; charset=utf-8", 'Application/JSON;charset="utf8"'])("reads %s", async (type) => {
    const { status, headers } = await call({ headers: { "content-type": type }, body: Buffer.from("{}") });
    expect([status, headers["content-type"]]).toEqual([200, "application/json"]);
  });

  test.for(["application/json; charset=latin1", "application/connect+json", "application/protobuf", "text/json"])(
    "rejects the media type %s",
    async (type) => {
      const [sent] = type.split(";");
      const wanted = "application/json, application/proto, application/grpc or application/grpc-web";
      const message = `the Content-Type is ${sent}. Send ${wanted}`;
      const answer = await call({ headers: { "content-type": type } });
      expect(json(answer)).toMatchObject({ status: 415, code: "unimplemented", message });
    },
  );

  test.for(["GET", "PUT", "HEAD", "OPTIONS"])("answers %s with 405 and the method to use", async (method) => {
    const { status, headers, body } = await call({ method, body: Buffer.alloc(0) });
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
