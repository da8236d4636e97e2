// Strangers' bytes on both listeners: each gets an answer with its length, and the next login works all the same.

import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signLogin } from "../../src/cli/sign.ts";
import { CUSTOMER_KEY, openGateway, type TestGateway } from "../gateway.ts";
import { exchange } from "./raw-http.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway({ LOGIN_LIMIT: "off", ADDRESS_LIMIT: "off", FAILURE_LIMIT: "off" });
});
afterAll(() => gateway.close());

async function rightLogin(): Promise<string> {
  return JSON.stringify(
    signLogin({ deviceKey: await gateway.enrol(), customerKey: CUSTOMER_KEY }, Math.floor(Date.now() / 1000)),
  );
}

function post(body: string | Uint8Array, ...headers: string[]): Buffer {
  const bytes = Buffer.from(body);
  const head = ["POST /auth/login HTTP/1.1", "Host: gateway", `Content-Length: ${bytes.length}`, ...headers];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), bytes]);
}

const listeners = ["publicUrl", "internalUrl"] as const;

describe.each(listeners)("at %s", (listener) => {
  test("the device of the contract, byte for byte: HTTP/1.0, Content-Type twice, upper-case hex", async () => {
    const deviceKey = await gateway.enrol({ deviceKey: `${listener.slice(0, 1)}${"k".repeat(95)}` });
    const login = signLogin({ deviceKey, customerKey: CUSTOMER_KEY }, Math.floor(Date.now() / 1000));
    const body = `{"device_key": "${deviceKey}", "timestamp": ${login.timestamp}, "device_signature": "${login.device_signature.toUpperCase()}"}`;
    const response = await exchange(
      gateway[listener],
      `POST /auth/login HTTP/1.0\r\nContent-Type: application/json\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe("application/json");
    expect(response.headers.has("Transfer-Encoding")).toBe(false);
    expect(Buffer.byteLength(response.body)).toBeLessThan(900);
    expect(Object.keys(JSON.parse(response.body))).toEqual(["token", "expires_in"]);
  });

  test.each(["GARBAGE\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\n\r\n"])(
    "a right login has its answer first, whatever comes after it on the connection: %j",
    async (later) => {
      const { hostname, port } = new URL(gateway[listener]);
      const socket = connect(Number(port), hostname);
      const answers = text(socket);
      socket.write(Buffer.concat([post(await rightLogin()), Buffer.from(later)]));
      const statuses = (await answers).match(/HTTP\/1\.1 \d+/g);
      expect(statuses).toEqual(["HTTP/1.1 200", later.startsWith("C") ? "HTTP/1.1 405" : "HTTP/1.1 400"]);
    },
  );

  test("forty gRPC-Web calls at once on a connection are answered, without a warning of listeners", async () => {
    const warnings: Error[] = [];
    const hear = (warning: Error): number => warnings.push(warning);
    process.on("warning", hear);
    const { hostname, port } = new URL(gateway[listener]);
    const socket = connect(Number(port), hostname);
    const answers = text(socket);
    const head =
      "POST /countersign.auth.v1.AuthService/GetServerTime HTTP/1.1\r\nContent-Type: application/grpc-web+proto";
    socket.end(`${head}\r\nContent-Length: 5\r\n\r\n\0\0\0\0\0`.repeat(40));
    expect((await answers).match(/grpc-status: 0/g)).toHaveLength(40);
    process.off("warning", hear);
    expect(warnings).toEqual([]);
  });

  test("who asks more and more and takes no answer is cut off; a few at once are answered", async () => {
    const { hostname, port } = new URL(gateway[listener]);
    const ask = "GET /openapi.json HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n";
    const few = connect(Number(port), hostname);
    const answers = text(few);
    few.end(ask.repeat(10));
    expect((await answers).match(/HTTP\/1\.1 200/g)).toHaveLength(10);
    const many = connect(Number(port), hostname);
    many.on("error", () => {});
    many.write(ask.repeat(5_000));
    await new Promise((resolve) => many.resume().on("close", resolve));
  });

  test.each([
    ["HTTP/1.0 without Host", "HTTP/1.0", []],
    ["HTTP/1.1 without Host", "HTTP/1.1", []],
    ["a Host with a space", "HTTP/1.1", ["Host: a b"]],
    ["a Host of [", "HTTP/1.1", ["Host: ["]],
  ])("%s gets its token over REST, and an answer from Connect", async (_name, version, hosts) => {
    for (const path of ["/auth/login", "/countersign.auth.v1.AuthService/Login"]) {
      const body = await rightLogin();
      const head = [
        `POST ${path} ${version}`,
        ...hosts,
        "Content-Type: application/json",
        `Content-Length: ${body.length}`,
      ];
      const response = await exchange(gateway[listener], `${head.join("\r\n")}\r\n\r\n${body}`);
      expect([path, response.status]).toEqual([path, 200]);
    }
  });

  const deep = `{"device_key":${"[".repeat(100_000)}`;
  test.each<[string, string | Uint8Array, number, string]>([
    ["an empty body", "", 400, "the body is empty. Send a JSON object"],
    ["an array", "[]", 400, "the body is an array. Send an object"],
    ["a number", "7", 400, "the body is a number. Send an object"],
    [
      "a trailing comma",
      '{"timestamp": 1,\n}',
      400,
      "not JSON at line 1 column 16. There is a trailing comma. Remove it",
    ],
    [
      "a missing comma",
      '{"device_key": "a"\n "timestamp": 1}',
      400,
      "not JSON at line 2 column 2. A comma or } is missing here",
    ],
    ["a fraction", '{"timestamp": 1.5}', 400, "timestamp has a fraction. Send a whole number"],
    [
      "a duplicated key",
      '{"timestamp": 1, "timestamp": 2}',
      400,
      "not JSON at line 1 column 18. The key timestamp appears here for the second time",
    ],
    [
      "the field as PHP spells it",
      '{"device_key": "a", "timestamp": 1, "device-signature": "x"}',
      400,
      'device_signature is missing and "device-signature" is no field. Did you mean device_signature',
    ],
    [
      "nesting to the limit",
      `{"a":${"[".repeat(4_000)}`,
      400,
      "not JSON at line 1 column 69. It nests deeper than 64 levels",
    ],
    ["nesting 100,000 deep", deep, 413, "the request has more than 4096 bytes"],
    [
      "invalid UTF-8",
      Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]),
      400,
      "the body is not valid UTF-8. JSON is always UTF-8",
    ],
  ])("%s is named", async (_name, body, status, message) => {
    const response = await exchange(gateway[listener], post(body));
    expect([response.status, JSON.parse(response.body).message]).toEqual([status, message]);
  });

  test("a timestamp in a string and names in camelCase log in", async () => {
    const { device_key, timestamp, device_signature } = JSON.parse(await rightLogin());
    const body = `{"deviceKey": "${device_key}", "timestamp": "${timestamp}", "deviceSignature": "${device_signature}",
      "firmware": {"version": [1, 2.5e3], "build": 18446744073709551615}}`;
    expect((await exchange(gateway[listener], post(body))).status).toBe(200);
  });

  test.each([
    ["a form", "Content-Type: application/x-www-form-urlencoded", 415],
    ["a compressed body", "Content-Encoding: gzip", 415],
    ["an expectation that nobody meets", "Expect: the-unexpected", 417],
    ["headers of 20 KB", `X-Filler: ${"x".repeat(20_000)}`, 431],
    ["a header that is none", "no colon here", 400],
  ])("%s is answered with a length", async (_name, header, status) => {
    const response = await exchange(gateway[listener], post(await rightLogin(), header));
    expect(response.status).toBe(status);
    expect(JSON.parse(response.body)).toMatchObject({ code: expect.any(String), message: expect.any(String) });
  });

  test.each([
    ["no HTTP at all", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400],
    ["a proxy's CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 405],
    ["half of the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", 400],
    ["a GET where a POST is due", "GET /auth/login HTTP/1.1\r\nHost: a\r\n\r\n", 405],
    ["a path that is nobody's", "GET /nobody HTTP/1.1\r\nHost: a\r\n\r\n", 404],
    ["a target in absolute form", "GET http://[ HTTP/1.1\r\nHost: a\r\n\r\n", 404],
    ["a method called with GET", "GET /countersign.auth.v1.AuthService/Login HTTP/1.1\r\nHost: a\r\n\r\n", 405],
  ])("%s is answered with a length", async (_name, bytes, status) => {
    const response = await exchange(gateway[listener], bytes);
    expect(response.status).toBe(status);
    expect(response.headers.has("Allow")).toBe(status === 405);
  });

  test("a method called with a media type that is none is told so", async () => {
    const bytes = `POST /countersign.auth.v1.AuthService/Login HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}`;
    const response = await exchange(gateway[listener], bytes);
    expect([response.status, JSON.parse(response.body).reason]).toEqual([415, "unsupported_media_type"]);
  });

  test("a client that ends its side after the request is answered all the same", async () => {
    const { hostname, port } = new URL(gateway[listener]);
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    socket.end(post(await rightLogin()));
    const [chunk] = await once(socket, "data");
    expect(String(chunk)).toMatch(/^HTTP\/1\.1 200 /);
    socket.destroy();
  });

  test("a client that ends without a word is let go at once", async () => {
    const { hostname, port } = new URL(gateway[listener]);
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    socket.end();
    socket.resume();
    await once(socket, "close");
  });

  test("bytes that arrive one by one are read as well", async () => {
    const { hostname, port } = new URL(gateway[listener]);
    const socket = connect({ port: Number(port), host: hostname, noDelay: true });
    await once(socket, "connect");
    for (const byte of post(await rightLogin())) {
      await new Promise((resolve) => socket.write(Buffer.of(byte), resolve));
    }
    const [chunk] = await once(socket, "data");
    expect(String(chunk)).toMatch(/^HTTP\/1\.1 200 /);
    socket.destroy();
  });
});

test("an HTTP/2 authority of [ is answered, over REST and gRPC alike", async () => {
  const session = connectHttp2(gateway.publicUrl);
  session.on("error", () => {});
  for (const [path, type] of [
    ["/auth/login", "application/json"],
    ["/countersign.auth.v1.AuthService/Login", "application/json"],
  ] as const) {
    const stream = session.request({ ":method": "POST", ":path": path, ":authority": "[", "content-type": type });
    stream.end(await rightLogin());
    const [headers] = await once(stream, "response");
    expect([path, headers[":status"]]).toEqual([path, 200]);
    stream.resume();
    await once(stream, "close");
  }
  session.close();
});
