// Hostile bytes over HTTP, and the internal listener's check of Host.

import { text } from "node:stream/consumers";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createHostCheck } from "../../src/http/dispatch.ts";
import { NO_LIMITS, signNow, startFileGateway } from "../gateway.ts";
import { sendByHand } from "../protocols/hand.ts";
import { exchange, openSocket } from "./raw-http.ts";

const LOGIN = "/countersign.auth.v1.AuthService/Login";
const gateway = await startFileGateway(NO_LIMITS);

const rightLogin = async (): Promise<string> => JSON.stringify(signNow(await gateway.enrol()));

const post = (body: string, path = "/auth/login", ...headers: string[]): string =>
  [`POST ${path} HTTP/1.1`, "Host: localhost", `Content-Length: ${body.length}`, ...headers, "", body].join("\r\n");

test("accepts a login of old firmware: HTTP/1.0, Content-Type twice, upper-case hex", async () => {
  const login = signNow(await gateway.enrol({ deviceKey: "k".repeat(96) }));
  const body = JSON.stringify({ ...login, device_signature: login.device_signature.toUpperCase() });
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

const DOCUMENT = "GET /openapi.json HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n";
const CALL = post(
  "\0\0\0\0\0",
  "/countersign.auth.v1.AuthService/GetServerTime",
  "Content-Type: application/grpc-web+proto",
);

test.each<[string, (login: string) => readonly string[], readonly number[]]>([
  ["nothing", () => [], []],
  ["a login", (login) => [login], [200]],
  ["a login byte by byte", (login) => [...login], [200]],
  ["a login, then garbage", (login) => [login, "GARBAGE\r\n\r\n"], [200, 400]],
  ["a login, then CONNECT", (login) => [`${login}CONNECT a:1 HTTP/1.1\r\n\r\n`], [200, 405]],
  ["ten requests", () => [DOCUMENT.repeat(10)], Array(10).fill(200)],
  ["forty gRPC-Web calls", () => [CALL.repeat(40)], Array(40).fill(200)],
])("answers all of a client that sends %s and ends its side, without a warning", async (_name, write, statuses) => {
  const warnings: Error[] = [];
  const collect = (warning: Error): number => warnings.push(warning);
  process.on("warning", collect);
  const socket = openSocket(gateway.publicUrl, { allowHalfOpen: true });
  const answers = text(socket);
  for (const piece of write(post(await rightLogin()))) await new Promise((resolve) => socket.write(piece, resolve));
  socket.end();
  const lines = (await answers).match(/HTTP\/1\.1 \d+ /g) ?? [];
  process.off("warning", collect);
  expect([lines.map((line) => Number(line.split(" ")[1])), warnings]).toEqual([statuses, []]);
});

test("cuts off a client that sends thousands of requests and reads nothing", async () => {
  const socket = openSocket(gateway.publicUrl);
  socket.write(DOCUMENT.repeat(5_000));
  await new Promise((resolve) => socket.resume().once("close", resolve));
});

test.each([
  ["HTTP/1.0 without Host", "HTTP/1.0", []],
  ["HTTP/1.1 without Host", "HTTP/1.1", []],
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

test.each([
  ["a REST call", "GET /auth/time HTTP/1.1\r\nHost: a\r\n\r\n", 200],
  ["a form", post("{}", "/auth/login", "Content-Type: application/x-www-form-urlencoded"), 415],
  ["a compressed body", post("{}", "/auth/login", "Content-Encoding: gzip"), 415],
  ["an unknown expectation", post("{}", "/auth/login", "Expect: the-unexpected"), 417],
  ["headers of 20 KB", post("{}", "/auth/login", `X-Filler: ${"x".repeat(20_000)}`), 431],
  ["a header line without a colon", post("{}", "/auth/login", "no colon here"), 400],
  ["two Hosts", "GET /auth/time HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400],
  ["HTTP/2.0 in a request line", "GET /auth/time HTTP/2.0\r\nHost: a\r\n\r\n", 400],
  ["a body in gzip", "GET /auth/time HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400],
  ["bytes that are not HTTP", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400],
  ["a CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n", 405],
  ["half of the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", 400],
  ["a target in absolute form", "GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n", 404],
  ["a method called with GET", `GET ${LOGIN} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 405],
])("answers %s with a Content-Length, and forbids sniffing", async (_name, bytes, status) => {
  const { headers, body, ...response } = await exchange(gateway.publicUrl, bytes);
  expect([response.status, headers.has("Allow")]).toEqual([status, status === 405]);
  const security = ["X-Content-Type-Options", "Strict-Transport-Security"].map((name) => headers.get(name));
  expect(security).toEqual(["nosniff", undefined]);
  // It is unknown where the next request begins.
  if ([400, 417, 431].includes(status)) expect(headers.get("Connection")).toBe("close");
  if (status !== 200) expect(JSON.parse(body)).toMatchObject({ code: expect.any(String), message: expect.any(String) });
});

test.each(["/auth/login", LOGIN])("answers an HTTP/2 request with the authority [ at %s", async (path) => {
  const fields = { ":authority": "[", "content-type": "application/json" };
  const body = Buffer.from(await rightLogin());
  const { status, headers } = await sendByHand(gateway.publicUrl, { version: 2, path, headers: fields, body });
  expect([status, headers["x-content-type-options"]]).toEqual([200, "nosniff"]);
});

const isAllowed = createHostCheck("Gateway.Example", ["countersign.internal", "countersign_1"]);
const anyCase = (text: string) =>
  fc
    .array(fc.boolean(), { minLength: text.length, maxLength: text.length })
    .map((upper) => [...text].map((letter, at) => (upper[at] ? letter.toUpperCase() : letter)).join(""));
const ending = fc.constantFrom("", ":", ":80", ":65535");

test.for([
  ...["", ":9090", ".", "localhost..", " localhost", "notlocalhost", "evil-countersign.internal", "2130706433", "::1"],
  ...["localhost.evil.example", "127.0.0.1.evil.example", "sub.countersign.internal", "[evil.example]", "[127.0.0.1]"],
  ...["localhost:9090:9090", "localhost:evil.example", "localhost@evil.example", "evil.example@localhost"],
  ...["evil.example#.localhost", "localhost, evil.example"],
])("the internal listener refuses the Host %j", (host) => {
  expect(isAllowed(host)).toBe(false);
});

test("the internal listener accepts no Host, every IP address and every configured name, in any case and with any port", () => {
  expect(isAllowed(undefined)).toBe(true);
  const name = fc.constantFrom("localhost", "gateway.example", "countersign.internal", "countersign_1");
  const host = fc.oneof(
    fc.ipV4(),
    fc.ipV6().map((address) => `[${address}]`),
    name.chain(anyCase),
    name.chain(anyCase).map((text) => `${text}.`),
    fc.domain().map((domain) => `${domain}.localhost`),
  );
  fc.assert(fc.property(host, ending, (text, port) => isAllowed(text + port)));
});

test("the internal listener refuses every other domain, in any case and with any port", () => {
  const others = fc.domain().filter((domain) => !/^(gateway\.example|countersign\.internal)$/i.test(domain));
  const dot = fc.constantFrom("", ".");
  fc.assert(fc.property(others.chain(anyCase), dot, ending, (domain, end, port) => !isAllowed(domain + end + port)));
});
