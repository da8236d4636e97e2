// Whom a refusal is told of that no handler has made: the caller that a trusted proxy names, whatever found the mistake.

import { once } from "node:events";
import { request as openRequest } from "node:http";
import { connect as openHttp2 } from "node:http2";
import { createServiceImplSpec } from "@connectrpc/connect";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { readNetwork } from "../../src/core/limiter/networks.ts";
import { createCallerFrom, type RequestCaller } from "../../src/transports/caller.ts";
import { createConnect } from "../../src/transports/connect.ts";
import { createDispatch } from "../../src/transports/dispatch.ts";
import { createDocuments } from "../../src/transports/documents.ts";
import { createGrpc } from "../../src/transports/grpc.ts";
import { type Listener, listen } from "../../src/transports/listener.ts";
import { createRest } from "../../src/transports/rest.ts";
import { exchange } from "./raw-http.ts";

let listener: Listener;
let told: string[] = [];

beforeAll(async () => {
  const options = {
    services: [{ spec: createServiceImplSpec(AuthService, {}) }],
    callerFrom: createCallerFrom({ networks: [readNetwork("127.0.0.1")], header: "x-forwarded-for" }),
    onRefused: (_refusal: Error, { protocol, address }: RequestCaller) => told.push(`${protocol} ${address}`),
    onFault: () => {},
    now: Date.now,
  };
  const handle = createDispatch({
    documents: createDocuments({ "/livez": () => ({ contentType: "text/plain", body: "ok\n" }) }, options),
    connect: createConnect(options),
    rest: createRest(options),
    onFault: () => {},
  });
  listener = await listen({
    host: "127.0.0.1",
    port: 0,
    handle,
    http2: createGrpc(options, handle),
    onFault: () => {},
  });
});
afterAll(() => listener.close(0));
beforeEach(() => {
  told = [];
});

const LINES = ["6.6.6.6", "192.0.2.1, 127.0.0.1"];
const LOGIN = "/countersign.auth.v1.AuthService/Login";

test.for([
  ["a path that there is not", "GET", "/nothing", "", "rest"],
  ["a document that is posted", "POST", "/livez", "", "rest"],
  ["a body that is no login", "POST", "/auth/login", "application/json", "rest"],
  ["a type that Connect has not", "POST", LOGIN, "text/plain", "connect"],
  ["gRPC over HTTP/1", "POST", LOGIN, "application/grpc", "grpc"],
] as const)("over HTTP/1: %s", async ([, method, path, type, protocol]) => {
  const headers = { "X-Forwarded-For": LINES, ...(type !== "" && { "Content-Type": type }) };
  const request = openRequest(new URL(path, listener.url), { method, headers });
  request.end(method === "POST" ? "{" : undefined);
  const [response] = await once(request, "response");
  response.resume();
  await once(response, "end");
  expect(told).toEqual([`${protocol} 192.0.2.1`]);
});

test.for([
  ["a verb that it has not", { ":method": "PUT" }, ""],
  ["a method that there is not", { ":path": "/countersign.auth.v1.AuthService/Logout" }, ""],
  ["an encoding that it has not", { "grpc-encoding": "br" }, ""],
  ["no message", {}, ""],
  ["a message that does not decode", {}, "\0\0\0\0\x01\xff"],
] as const)("by native gRPC: %s", async ([, headers, body]) => {
  const session = openHttp2(listener.url);
  const stream = session.request({
    ":method": "POST",
    ":path": LOGIN,
    "content-type": "application/grpc",
    te: "trailers",
    "x-forwarded-for": LINES,
    ...headers,
  });
  stream.end(Buffer.from(body, "latin1"));
  stream.resume();
  await once(stream, "close");
  session.close();
  expect(told).toEqual(["grpc 192.0.2.1"]);
});

test("a header with more lines than are kept is believed whole or not at all", async () => {
  const head = `GET /nothing HTTP/1.1\r\nX-Forwarded-For: 6.6.6.6\r\n${"a: 1\r\n".repeat(1_100)}`;
  const { status } = await exchange(listener.url, `${head}X-Forwarded-For: 192.0.2.1\r\n\r\n`);
  expect(status).toBe(431);
  expect(told).toEqual([]);
});
