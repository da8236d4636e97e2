// Hostile bytes: each HTTP/1 request gets an answer with a Content-Length, and logins still work.

import { once } from "node:events";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { NO_LIMITS, signNow, startFileGateway } from "../gateway.ts";
import { sendByHand } from "../protocols/hand.ts";
import { exchange, openSocket } from "./raw-http.ts";

const LOGIN = "/countersign.auth.v1.AuthService/Login";
const gateway = await startFileGateway(NO_LIMITS);

const rightLogin = async (): Promise<string> => JSON.stringify(signNow(await gateway.enrol()));

function post(body: string | Uint8Array, ...headers: string[]): Buffer {
  const bytes = Buffer.from(body);
  const head = ["POST /auth/login HTTP/1.1", "Host: localhost", `Content-Length: ${bytes.length}`, ...headers];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), bytes]);
}

const open = (options: Parameters<typeof openSocket>[1] = {}): Socket => openSocket(gateway.publicUrl, options);

/** Resolves with the first bytes of an answer. */
async function answerOn(socket: Socket): Promise<string> {
  const [chunk] = await once(socket, "data");
  return String(chunk);
}

test("accepts a login of old firmware: HTTP/1.0, Content-Type twice, upper-case hex", async () => {
  const deviceKey = await gateway.enrol({ deviceKey: "k".repeat(96) });
  const login = signNow(deviceKey);
  const body = `{"device_key": "${deviceKey}", "timestamp": ${login.timestamp}, "device_signature": "${login.device_signature.toUpperCase()}"}`;
  const response = await exchange(
    gateway.publicUrl,
    `POST /auth/login HTTP/1.0\r\nContent-Type: application/json\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  expect(response.status).toBe(200);
  expect(response.headers.get("Content-Type")).toBe("application/json");
  expect(response.headers.has("Transfer-Encoding")).toBe(false);
  expect(Buffer.byteLength(response.body)).toBeLessThan(900);
  expect(Object.keys(JSON.parse(response.body))).toEqual(["token", "expires_in"]);
});

test.each(["GARBAGE\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\n\r\n"])(
  "answers a login before the bytes that follow on the connection: %j",
  async (later) => {
    const socket = open();
    const answers = text(socket);
    socket.write(Buffer.concat([post(await rightLogin()), Buffer.from(later)]));
    const statuses = (await answers).match(/HTTP\/1\.1 \d+/g);
    expect(statuses).toEqual(["HTTP/1.1 200", later.startsWith("C") ? "HTTP/1.1 405" : "HTTP/1.1 400"]);
  },
);

test("answers forty pipelined gRPC-Web calls without a warning about event listeners", async () => {
  const warnings: Error[] = [];
  const collect = (warning: Error): number => warnings.push(warning);
  process.on("warning", collect);
  const socket = open();
  const answers = text(socket);
  const head =
    "POST /countersign.auth.v1.AuthService/GetServerTime HTTP/1.1\r\nContent-Type: application/grpc-web+proto";
  socket.end(`${head}\r\nContent-Length: 5\r\n\r\n\0\0\0\0\0`.repeat(40));
  expect((await answers).match(/grpc-status: 0/g)).toHaveLength(40);
  process.off("warning", collect);
  expect(warnings).toEqual([]);
});

test("answers ten pipelined requests, and cuts off a client that sends thousands and reads nothing", async () => {
  const ask = "GET /openapi.json HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n";
  const few = open();
  const answers = text(few);
  few.end(ask.repeat(10));
  expect((await answers).match(/HTTP\/1\.1 200/g)).toHaveLength(10);
  const many = open();
  many.write(ask.repeat(5_000));
  await new Promise((resolve) => many.resume().on("close", resolve));
});

test.each([
  ["HTTP/1.0 without Host", "HTTP/1.0", []],
  ["a Host with a space", "HTTP/1.1", ["Host: a b"]],
  ["a Host of [", "HTTP/1.1", ["Host: ["]],
])("%s gets its token, except with an unknown host on the internal listener", async (_name, version, hosts) => {
  for (const [url, status] of [
    [gateway.publicUrl, 200],
    [gateway.internalUrl, hosts.length > 0 ? 421 : 200],
  ] as const) {
    const body = await rightLogin();
    const head = [`POST /auth/login ${version}`, ...hosts, `Content-Length: ${body.length}`];
    expect((await exchange(url, `${head.join("\r\n")}\r\n\r\n${body}`)).status).toBe(status);
  }
});

const withHeader = (header: string, path = "/auth/login"): string =>
  `POST ${path} HTTP/1.1\r\nContent-Length: 2\r\n${header}\r\n\r\n{}`;
test.each([
  ["a form", withHeader("Content-Type: application/x-www-form-urlencoded"), 415],
  ["a compressed body", withHeader("Content-Encoding: gzip"), 415],
  ["an unknown expectation", withHeader("Expect: the-unexpected"), 417],
  ["headers of 20 KB", withHeader(`X-Filler: ${"x".repeat(20_000)}`), 431],
  ["a header line without a colon", withHeader("no colon here"), 400],
  ["bytes that are not HTTP", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400],
  ["a CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n", 405],
  ["half of the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", 400],
  ["a target in absolute form", "GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n", 404],
  ["a method called with GET", `GET ${LOGIN} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 405],
])("answers %s with a Content-Length", async (_name, bytes, status) => {
  const response = await exchange(gateway.publicUrl, bytes);
  expect([response.status, response.headers.has("Allow")]).toEqual([status, status === 405]);
  expect(JSON.parse(response.body)).toMatchObject({ code: expect.any(String), message: expect.any(String) });
});

test("answers a client that ends its side after the request", async () => {
  const socket = open({ allowHalfOpen: true });
  socket.end(post(await rightLogin()));
  expect(await answerOn(socket)).toMatch(/^HTTP\/1\.1 200 /);
});

test("closes the connection of a client that ends its side before its request is read", async () => {
  const socket = open({ allowHalfOpen: true });
  socket.end();
  socket.resume();
  await once(socket, "close");
});

test("reads a request that arrives byte by byte", async () => {
  const socket = open({ noDelay: true });
  await once(socket, "connect");
  for (const byte of post(await rightLogin())) {
    await new Promise((resolve) => socket.write(Buffer.of(byte), resolve));
  }
  expect(await answerOn(socket)).toMatch(/^HTTP\/1\.1 200 /);
});

test.each(["/auth/login", LOGIN])("answers an HTTP/2 request with the authority [ at %s", async (path) => {
  const headers = { ":authority": "[", "content-type": "application/json" };
  const body = Buffer.from(await rightLogin());
  expect(await sendByHand(gateway.publicUrl, { version: 2, path, headers, body })).toMatchObject({ status: 200 });
});
