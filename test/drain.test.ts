// The end of a gateway: requests under way are answered, idle connections do not hold it up.

import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { credentials } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { AuthServiceClient } from "../gen/grpc/countersign/auth/v1/auth.ts";
import { listen } from "../src/transports/listener.ts";
import { openGateway } from "./gateway.ts";

test("idle connections of every kind are closed at once", async () => {
  const { publicUrl, internalUrl, close } = await openGateway({}, { graceMs: 600_000 });
  const agent = new Agent({ keepAlive: true });
  const idle = request(new URL("/auth/time", publicUrl), { agent }).end();
  const [response] = await once(idle, "response");
  response.resume();
  await once(response, "end");

  const session = connectHttp2(publicUrl);
  await once(session, "connect");
  const client = new AuthServiceClient(new URL(internalUrl).host, credentials.createInsecure());
  await new Promise<void>((resolve, reject) =>
    client.getServerTime({}, (error) => (error ? reject(error) : resolve())),
  );
  const { hostname, port } = new URL(publicUrl);
  const silent = connect(Number(port), hostname);
  await once(silent, "connect");

  await close();
  await expect(fetch(new URL("/livez", publicUrl))).rejects.toThrow();
  agent.destroy();
  client.close();
  session.destroy();
  silent.destroy();
});

test("a request under way is answered, and its connection closed then", async () => {
  const { publicUrl, close } = await openGateway({}, { graceMs: 600_000 });
  const { hostname, port } = new URL(publicUrl);
  const socket = connect(Number(port), hostname);
  socket.write("POST /auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{");
  // Another connection's answer tells that the first one's head was read by now.
  await fetch(new URL("/livez", publicUrl));
  const closed = close();
  socket.write("}");
  const [answer] = await once(socket, "data");
  expect(String(answer)).toMatch(/^HTTP\/1\.1 400 /);
  await once(socket, "close");
  await closed;
});

test("an HTTP/2 side that never says it has ended is not waited for once its connections have", async () => {
  const never = new Promise<never>(() => {});
  const listener = await listen({
    host: "127.0.0.1",
    port: 0,
    handle: () => never,
    // As grpc-js is when it has just destroyed a session.
    http2: { accept: (socket) => socket.destroy(), close: () => never },
    onFault: () => {},
  });
  const session = connectHttp2(listener.url);
  session.on("error", () => {});
  await new Promise((resolve) => session.once("close", resolve));
  await listener.close(600_000);
});
