// The internal listener's HTTP/2, where grpc-js and all else meet: other protocols are served, and a call's mistakes are told
// as on the port that Connect's router serves.

import { once } from "node:events";
import { connect } from "node:http2";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openGateway, type TestGateway } from "../gateway.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway.close());

interface Heard {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** One exchange over HTTP/2 by prior knowledge; trailers are among the headers. */
async function ask(url: string, headers: Record<string, string>, body?: Buffer): Promise<Heard> {
  const session = connect(url);
  const stream = session.request(headers, { endStream: body === undefined });
  let trailers = {};
  stream.on("trailers", (received) => {
    trailers = received;
  });
  if (body !== undefined) stream.end(body);
  const [received] = await once(stream, "response");
  const read = await buffer(stream);
  session.close();
  return { status: Number(received[":status"]), headers: { ...received, ...trailers }, body: read.toString() };
}

test.each([
  ["/livez", "ok\n"],
  ["/metrics", "countersign_logins_total"],
  ["/openapi.json", '"openapi":"3.1'],
])("%s is served over HTTP/2 too", async (path, text) => {
  const { status, body } = await ask(gateway.internalUrl, { ":path": path });
  expect(status).toBe(200);
  expect(body).toContain(text);
});

test.each([
  ["REST", "/auth/login", 400],
  ["Connect", "/countersign.auth.v1.AuthService/Login", 400],
  ["nothing", "/nowhere", 404],
])("%s is answered over HTTP/2 too", async (_what, path, expected) => {
  const headers = { ":method": "POST", ":path": path, "content-type": "application/json" };
  const { status, body } = await ask(gateway.internalUrl, headers, Buffer.from("{}"));
  expect(status).toBe(expected);
  expect(JSON.parse(body)).toMatchObject({ message: expect.any(String) });
});

test("a stranger's resets and broken bodies over HTTP/2 end nothing", async () => {
  const session = connect(gateway.internalUrl);
  for (let turn = 0; turn < 20; turn++) {
    const stream = session.request({ ":method": "POST", ":path": "/auth/login", "content-type": "application/json" });
    stream.on("error", () => {});
    stream.write("{");
    if (turn % 2 === 0) stream.close(8);
    else stream.destroy();
  }
  session.close();
  expect((await ask(gateway.internalUrl, { ":path": "/livez" })).status).toBe(200);
});

const CALL = {
  ":method": "POST",
  ":path": "/countersign.auth.v1.AuthService/GetServerTime",
  "content-type": "application/grpc",
  te: "trailers",
};
const EMPTY = Buffer.alloc(5);

describe("a mistake is told alike on both listeners:", () => {
  test.each<[string, Record<string, string>]>([
    ["another encoding", { "grpc-encoding": "br" }],
    ["a timeout without a unit", { "grpc-timeout": "9x" }],
    ["a timeout of too many digits", { "grpc-timeout": "123456789S" }],
    ["a subtype that is not served", { "content-type": "application/grpc+foo" }],
    ["another verb", { ":method": "PUT" }],
    ["a method that there is not", { ":path": "/countersign.auth.v1.AuthService/Logout" }],
  ])("%s", async (_what, headers) => {
    const [shared, native] = await Promise.all(
      [gateway.publicUrl, gateway.internalUrl].map((url) => ask(url, { ...CALL, ...headers }, EMPTY)),
    );
    const told = (heard: Heard | undefined) =>
      ["grpc-status", "grpc-message", "grpc-status-details-bin"].map((name) => {
        const text = String(heard?.headers[name]);
        return name === "grpc-message" ? decodeURIComponent(text) : text.replace(/=+$/, "");
      });
    expect(told(native)).toEqual(told(shared));
    expect(told(native)[2]).toMatch(/^\w{20,}/);
  });

  test.each([
    ["no message", Buffer.alloc(0)],
    ["two messages", Buffer.alloc(10)],
    ["a message cut short", Buffer.of(0, 0, 0, 0, 9, 1)],
  ])("%s", async (_what, body) => {
    const [shared, native] = await Promise.all(
      [gateway.publicUrl, gateway.internalUrl].map(async (url) => {
        const { headers } = await ask(url, CALL, body);
        return [headers["grpc-status"], decodeURIComponent(String(headers["grpc-message"]))];
      }),
    );
    expect(native).toEqual(shared);
    expect(native).toEqual(["3", "the body is not one length-prefixed message"]);
  });

  test("a message that is not compressed as its header says", async () => {
    const body = Buffer.of(1, 0, 0, 0, 3, 1, 2, 3);
    const [shared, native] = await Promise.all(
      [gateway.publicUrl, gateway.internalUrl].map(async (url) => {
        const { headers } = await ask(url, { ...CALL, "grpc-encoding": "gzip" }, body);
        return [headers["grpc-status"], decodeURIComponent(String(headers["grpc-message"]))];
      }),
    );
    expect(native).toEqual(shared);
    expect(native).toEqual(["3", "the message is not compressed as its header says"]);
  });

  test("and what is right is answered by both", async () => {
    for (const url of [gateway.publicUrl, gateway.internalUrl]) {
      const { headers } = await ask(url, { ...CALL, "grpc-timeout": "99999999H" }, EMPTY);
      expect(headers["grpc-status"]).toBe("0");
    }
  });
});
