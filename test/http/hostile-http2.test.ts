// Hostile HTTP/2 frames and half-open connections do not end a gateway process.

import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { expect, test } from "vitest";
import { openStream, resetStream, writeAtOnce } from "../frames.ts";
import { run, serve, temporaryFolder } from "../program.ts";
import { exchange } from "./raw-http.ts";

const request = { ":method": "POST", ":scheme": "http", ":path": "/auth/login", ":authority": "localhost" };
const LOGIN = "/countersign.auth.v1.AuthService/Login";
const STREAMS = Array.from({ length: 20 }, (_, place) => 2 * place + 1);

test.each([
  ["a request that expects 100-continue", { ...request, expect: "100-continue" }],
  ["a request that expects something else", { ...request, expect: "something else" }],
  ["a request that is not gRPC", request],
  ["a call of an unknown method", { ...request, ":path": "/x/y", "content-type": "application/grpc" }],
])("survives %s, reset at once", { timeout: 60_000 }, async (_name, headers) => {
  const folder = temporaryFolder();
  const gateway = await serve(folder);
  // The request and its reset have to meet in one turn of the event loop: a few attempts were enough to end a process.
  for (let attempt = 0; attempt < 40; attempt++) {
    const frames = STREAMS.flatMap((stream) => [openStream(stream, headers), resetStream(stream)]);
    for (const url of [gateway.publicUrl, gateway.internalUrl]) (await writeAtOnce(url, ...frames)).destroy();
  }
  const { status } = await run(["login", "--demo", "--url", gateway.publicUrl, "--via", "grpc"], {
    env: { COUNTERSIGN_DATA_DIR: folder },
  });
  expect(status).toBe(0);
  expect(await gateway.end("SIGTERM")).toBe(0);
});

test("closes the connection of a client that ends its side with a stream open", async () => {
  const { publicUrl, internalUrl } = await serve(temporaryFolder());
  const call = { ...request, ":path": LOGIN, "content-type": "application/grpc" };
  for (const url of [publicUrl, internalUrl]) {
    const socket = await writeAtOnce(url, openStream(1, call, false));
    socket.end();
    await once(socket, "close");
  }
});

test.each([
  ["a message", Buffer.alloc(5)],
  ["half a message", Buffer.from([0, 0, 0, 0, 9, 1])],
])("refuses invalid metadata before it reads %s, and does not log it", async (_name, body) => {
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
  stream.write(body);
  const [trailers] = await once(stream.resume(), "trailers");
  expect(trailers["grpc-status"]).toBe("16");
  session.destroy();
  await end("SIGTERM");
  expect(log()).not.toContain("SECRET");
});

test("knows no encoding by a name that objects inherit", async () => {
  const { publicUrl } = await serve(temporaryFolder());
  const headers = "Content-Type: application/json\r\nContent-Encoding: toString\r\nContent-Length: 2";
  const { body } = await exchange(publicUrl, `POST ${LOGIN} HTTP/1.1\r\n${headers}\r\n\r\n{}`);
  expect(body).toContain("unknown compression");
});
