// Strangers' frames: requests that are reset before they are looked at, sides that end, on both listeners of a process of
// its own, which has to live.

import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { credentials, type Metadata } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { AuthServiceClient } from "../../gen/grpc/countersign/auth/v1/auth.ts";
import { openStream, resetStream, writeAtOnce } from "../frames.ts";
import { run, serve, temporaryFolder } from "../program.ts";
import { exchange } from "./raw-http.ts";

const request = { ":method": "POST", ":scheme": "http", ":path": "/auth/login", ":authority": "a" };
const STREAMS = Array.from({ length: 20 }, (_, place) => 2 * place + 1);

test.each([
  ["publicUrl", "a request that expects 100-continue", { ...request, expect: "100-continue" }],
  ["publicUrl", "a request that expects something else", { ...request, expect: "something else" }],
  [
    "publicUrl",
    "a call of a method that nobody has",
    { ...request, ":path": "/x/y", "content-type": "application/grpc" },
  ],
  ["internalUrl", "a request that is no gRPC", request],
  [
    "internalUrl",
    "a call of a method that nobody has",
    { ...request, ":path": "/x/y", "content-type": "application/grpc" },
  ],
] as const)("at %s, %s and is reset at once ends nothing", { timeout: 60_000 }, async (listener, _what, headers) => {
  const folder = temporaryFolder();
  const gateway = await serve(folder);
  // The two have to meet in one turn of the loop: a few tries were enough to end a process.
  for (let attempt = 0; attempt < 40; attempt++) {
    const frames = STREAMS.flatMap((stream) => [openStream(stream, headers), resetStream(stream)]);
    const socket = await writeAtOnce(gateway[listener], ...frames);
    socket.destroy();
  }
  const { status } = await run(["login", "--demo", "--url", gateway.publicUrl, "--via", "grpc"], {
    env: { COUNTERSIGN_DATA_DIR: folder },
  });
  expect(status).toBe(0);
  expect(await gateway.end("SIGTERM")).toBe(0);
});

test("a client that ends its side with a stream open is let go on both listeners", async () => {
  const { publicUrl, internalUrl } = await serve(temporaryFolder());
  const call = { ...request, ":path": "/countersign.auth.v1.AuthService/Login", "content-type": "application/grpc" };
  for (const url of [publicUrl, internalUrl]) {
    const socket = await writeAtOnce(url, openStream(1, call, false));
    socket.end();
    await once(socket, "close");
  }
});

test("an unknown method is unimplemented, with its reason, to grpc-js on both listeners", async () => {
  const { publicUrl, internalUrl } = await serve(temporaryFolder());
  for (const url of [publicUrl, internalUrl]) {
    const client = new AuthServiceClient(new URL(url).host, credentials.createInsecure());
    const asIs = (bytes: Buffer): Buffer => bytes;
    const failure = await new Promise<{ code?: number; details?: string; metadata?: Metadata }>((resolve) =>
      client.makeUnaryRequest("/countersign.auth.v1.AuthService/Nothing", asIs, asIs, Buffer.alloc(0), (error) =>
        resolve(error ?? {}),
      ),
    );
    client.close();
    expect([url, failure.code, failure.details]).toEqual([url, 12, "there is no such method on this listener"]);
    expect(failure.metadata?.get("grpc-status-details-bin")).toHaveLength(1);
  }
});

test("metadata that is no header does not turn a refusal into a fault, nor reach the log", async () => {
  const { internalUrl, log, end } = await serve(temporaryFolder());
  const session = connectHttp2(internalUrl);
  const stream = session.request({
    ":method": "POST",
    ":path": "/countersign.admin.v1.AdminService/CreateCustomer",
    "content-type": "application/grpc",
    authorization: "Bearer SECRET\xff",
    "x-bin": "AAEC",
    te: "trailers",
  });
  stream.end(Buffer.alloc(5));
  const [trailers] = await once(stream.resume(), "trailers");
  expect(trailers["grpc-status"]).toBe("16");
  session.destroy();
  await end("SIGTERM");
  expect(log()).not.toContain("SECRET");
});

test("media types are compared without regard to case, and codings not with what objects inherit", async () => {
  const { publicUrl } = await serve(temporaryFolder());
  const post = (...headers: readonly string[]) =>
    exchange(
      publicUrl,
      [
        "POST /countersign.auth.v1.AuthService/Login HTTP/1.1",
        "Host: a",
        "Content-Length: 2",
        ...headers,
        "",
        "{}",
      ].join("\r\n"),
    );
  expect(JSON.parse((await post("Content-Type: Application/JSON")).body).message).toBe(
    "device_key is missing or empty",
  );
  expect((await post("Content-Type: application/json", "Content-Encoding: toString")).status).toBe(400);
  const grpc = await post("Content-Type: application/grpc");
  expect([grpc.status, JSON.parse(grpc.body).reason]).toEqual([415, "unsupported_media_type"]);
});
