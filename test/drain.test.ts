// A gateway that closes answers requests under way, and closes idle connections at once.

import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { credentials } from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { AuthServiceClient } from "../gen/grpc/countersign/auth/v1/auth.ts";
import { openGateway } from "./gateway.ts";

const OPTIONS = { graceMs: 600_000 };

test("closes idle connections of every protocol at once", async () => {
  const { publicUrl, internalUrl, close } = await openGateway({}, OPTIONS);
  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  const [response] = await once(request(new URL("/auth/time", publicUrl), { agent }).end(), "response");
  await once(response.resume(), "end");

  const unused = connectHttp2(publicUrl);
  await once(unused, "connect");
  const used = connectHttp2(publicUrl);
  await once(used.request({ ":path": "/livez" }).resume(), "close");
  const client = new AuthServiceClient(new URL(internalUrl).host, credentials.createInsecure());
  onTestFinished(() => client.close());
  await new Promise<void>((resolve, reject) =>
    client.getServerTime({}, (error) => (error ? reject(error) : resolve())),
  );
  const { hostname, port } = new URL(publicUrl);
  const silent = connect(Number(port), hostname);
  await once(silent, "connect");

  await close();
  await expect(fetch(new URL("/livez", publicUrl))).rejects.toThrow();
  for (const open of [unused, used, silent]) open.destroy();
});

test("answers a request under way over HTTP/1, then closes its connection", async () => {
  const { publicUrl, internalUrl, close } = await openGateway({}, OPTIONS);
  const { hostname, port } = new URL(publicUrl);
  const socket = connect(Number(port), hostname);
  socket.write("POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{");
  // After an answer on another connection, the head of the first request has been read.
  await fetch(new URL("/livez", publicUrl));
  const closed = close();
  // The other listener has stopped accepting too.
  await expect.poll(() => fetch(new URL("/livez", internalUrl)).catch(() => "closed")).toBe("closed");
  socket.write("}");
  const [answer] = await once(socket, "data");
  expect(String(answer)).toMatch(/^HTTP\/1\.1 400 /);
  await once(socket, "close");
  await closed;
});

test("answers a request under way over HTTP/2, then closes its session", async () => {
  const { publicUrl, close } = await openGateway({}, OPTIONS);
  const session = connectHttp2(publicUrl);
  const stream = session.request({ ":method": "POST", ":path": "/auth/login" });
  stream.write("{");
  // After an answer on another stream, the head of the first request has been read.
  await once(session.request({ ":path": "/livez" }).resume(), "close");
  const closed = close();
  stream.end("}");
  const [headers] = await once(stream, "response");
  expect(headers[":status"]).toBe(400);
  await once(stream.resume(), "close");
  await closed;
});
