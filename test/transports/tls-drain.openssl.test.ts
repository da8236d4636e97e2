// The end of a listener with TLS: connections at every stage of a handshake, and after one, are gone within the grace.

import { once } from "node:events";
import { request } from "node:https";
import { connect as connectTcp, type Socket } from "node:net";
import { connect } from "node:tls";
import { expect, test } from "vitest";
import { makeCertificates } from "./certificates.ts";
import { startSecureListener } from "./secure-listener.ts";

const pems = makeCertificates({ server: "ecdsa" });

/** A client without TLS, which has written some bytes. */
async function openTcp(port: number, bytes: string): Promise<Socket> {
  const socket = connectTcp(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.resume();
  await once(socket, "connect");
  if (bytes !== "") socket.write(bytes);
  return socket;
}

/** Answers once the listener has accepted everything that came before. */
async function askOnce(port: number, ca: Buffer): Promise<void> {
  const call = request({ host: "127.0.0.1", port, ca, agent: false });
  call.end();
  const [response] = await once(call, "response");
  response.resume();
  await once(response, "end");
}

test.each([
  ["says nothing", ""],
  ["has sent half a hello", "\x16\x03\x01\x02\x00\x01\x00"],
])("a client that %s is not waited for, however long the grace", async (_what, bytes) => {
  const { port, ca, close } = await startSecureListener(pems, "server");
  const socket = await openTcp(port, bytes);
  const gone = once(socket, "close");
  await askOnce(port, ca);
  const begun = performance.now();
  await close(600_000);
  expect(performance.now() - begun).toBeLessThan(2_000);
  await gone;
});

test("a connection whose handshake has ended, and nothing else, is not waited for either", async () => {
  const { port, ca, close } = await startSecureListener(pems, "server");
  const socket = connect({ host: "127.0.0.1", port, ca });
  socket.on("error", () => {});
  await once(socket, "secureConnect");
  const gone = once(socket.resume(), "close");
  await askOnce(port, ca);
  await close(600_000);
  await gone;
});

test("a request under way has the grace, and no more", async () => {
  const { port, ca, close } = await startSecureListener(pems, "server");
  const socket = connect({ host: "127.0.0.1", port, ca });
  socket.on("error", () => {});
  await once(socket, "secureConnect");
  socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /never HTTP/1.1\r\nHost: a\r\n\r\n");
  // The first answer tells that the second request was read.
  await once(socket, "data");
  const gone = once(socket.resume(), "close");
  const begun = performance.now();
  await close(300);
  expect(performance.now() - begun).toBeGreaterThan(250);
  expect(performance.now() - begun).toBeLessThan(2_000);
  await gone;
});

test("a handshake has ten seconds", { timeout: 30_000 }, async () => {
  const { port } = await startSecureListener(pems, "server");
  const begun = performance.now();
  const socket = await openTcp(port, "");
  await once(socket, "close");
  expect(performance.now() - begun).toBeGreaterThan(9_000);
  expect(performance.now() - begun).toBeLessThan(14_000);
});
