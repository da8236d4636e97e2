// TLS of a listener: what handshakes agree on, and how connections end.

import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { describe, expect, test } from "vitest";
import { ask } from "../ask.ts";
import { PREFACE, readFrames, SETTINGS, settings } from "../frames.ts";
import { getOver, makeCertificates, openTls, shakeHands, startTlsListener, type TlsListener } from "./certificates.ts";
import { openSocket } from "./raw-http.ts";

const pems = makeCertificates({ rsa: "rsa", ecdsa: "ecdsa" });
const OK = "HTTP/1.1 200 OK";

const start = (name: string): Promise<TlsListener> => startTlsListener(pems, [name]);
/** A connection to a new listener with the certificate `name`. Rejects when the handshake fails. */
const meet = async (name: string, offer?: ConnectionOptions): Promise<TLSSocket> =>
  shakeHands(await start(name), offer);

test.each([
  ["rsa", "TLSv1.3", "TLS_AES_128_GCM_SHA256"],
  ["ecdsa", "TLSv1.3", "TLS_AES_128_GCM_SHA256"],
  ["rsa", "TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256"],
  ["rsa", "TLSv1.2", "ECDHE-RSA-AES128-SHA256"],
  ["rsa", "TLSv1.2", "ECDHE-RSA-AES128-SHA"],
  ["rsa", "TLSv1.2", "AES128-GCM-SHA256"],
  ["rsa", "TLSv1.2", "AES128-SHA256"],
  ["rsa", "TLSv1.2", "AES128-SHA"],
  ["ecdsa", "TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256"],
  ["ecdsa", "TLSv1.2", "ECDHE-ECDSA-AES128-SHA256"],
  ["ecdsa", "TLSv1.2", "ECDHE-ECDSA-AES128-SHA"],
] as const)("agrees with a key of type %s on %s and %s, the client's only suite", async (name, maxVersion, ciphers) => {
  const socket = await meet(name, { maxVersion, ciphers });
  expect([socket.getProtocol(), socket.getCipher().name, await getOver(socket)]).toEqual([maxVersion, ciphers, OK]);
});

test("the server chooses the best offered suite", async () => {
  const ciphers = "AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256";
  const socket = await meet("rsa", { maxVersion: "TLSv1.2", ciphers });
  expect(socket.getCipher().name).toBe("ECDHE-RSA-AES128-GCM-SHA256");
});

test.each<[readonly string[], string | false]>([
  [["http/1.1"], "http/1.1"],
  [["http/1.1", "h2"], "h2"],
  [["h2"], "h2"],
  [[], false],
])("ALPN %j selects %j", async (offered, agreed) => {
  const socket = await meet("ecdsa", offered.length === 0 ? {} : { ALPNProtocols: [...offered] });
  expect(socket.alpnProtocol).toBe(agreed);
  if (agreed !== "h2") {
    expect(await getOver(socket)).toBe(OK);
    return;
  }
  const session = connectHttp2("https://127.0.0.1", { createConnection: () => socket });
  const [headers] = await once(session.request({ ":path": "/" }).resume(), "response");
  expect([headers[":status"], headers["strict-transport-security"]]).toEqual([200, "max-age=31536000"]);
});

test("speaks HTTP/2 without ALPN after its preface", async () => {
  const socket = await meet("ecdsa");
  expect(socket.alpnProtocol).toBe(false);
  // The client of node:http2 insists on ALPN.
  socket.write(Buffer.concat([PREFACE, settings()]));
  const [bytes] = await once(socket, "data");
  expect([...readFrames(bytes)][0]).toMatchObject({ type: SETTINGS, stream: 0 });
});

test.each(["TLSv1.2", "TLSv1.3"] as const)("answers a %s client that has ended its side", async (maxVersion) => {
  const socket = await meet("rsa", { maxVersion });
  const answer = text(socket);
  socket.end("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  expect(await answer).toMatch(/^HTTP\/1\.1 200 OK\r\n.*Strict-Transport-Security: max-age=31536000\r\n.*ok$/s);
});

const TLS_1_1 = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
const WEAK = { maxVersion: "TLSv1.2", ciphers: "AES256-SHA:@SECLEVEL=0" } as const;

test.each<[string, ConnectionOptions, string]>([
  ["an unknown protocol", { ALPNProtocols: ["spdy/3"] }, "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL"],
  ["only weak suites", WEAK, "ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE"],
  ["TLS 1.1 at most", TLS_1_1, "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION"],
])("refuses a client with %s", async (_name, offer, code) => {
  await expect(meet("rsa", offer)).rejects.toMatchObject({ code });
});

test("still serves after failed handshakes", async () => {
  const listener = await start("rsa");
  for (const bytes of ["GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00", ""]) {
    const socket = await openTcp(listener, bytes);
    await once(socket.end(), "close");
  }
  await expect(shakeHands(listener, TLS_1_1)).rejects.toThrow("protocol version");
  expect(await getOver(openTls(listener))).toBe(OK);
});

/** A client without TLS that has written some bytes. */
async function openTcp({ url }: TlsListener, bytes: string): Promise<Socket> {
  const socket = openSocket(url.replace("https", "http")).resume();
  await once(socket, "connect");
  socket.write(bytes);
  return socket;
}

/** Resolves once the listener has accepted every earlier connection. */
const askOnce = ({ url, ca }: TlsListener): Promise<unknown> => ask(url, { ca, agent: false });

describe("a listener that closes", () => {
  test.each<[string, string | undefined]>([
    ["sends nothing", ""],
    ["sends half a ClientHello", "\x16\x03\x01\x02\x00\x01\x00"],
    ["sends no request", undefined],
  ])("closes at once the connection of a client that %s", async (_name, bytes) => {
    const listener = await start("ecdsa");
    // A silent client of another listener, whose ten seconds end first.
    const timeout = once(await openTcp(await start("ecdsa"), ""), "close");
    const socket = bytes === undefined ? await shakeHands(listener) : await openTcp(listener, bytes);
    const gone = once(socket.resume(), "close");
    await askOnce(listener);
    await listener.close(600_000);
    expect(await Promise.race([timeout.then(() => "timed out"), gone.then(() => "closed")])).toBe("closed");
  });

  test("gives a request under way the grace period, and no more", async () => {
    const listener = await start("ecdsa");
    const socket = await shakeHands(listener);
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET /never HTTP/1.1\r\nHost: localhost\r\n\r\n");
    // After the first answer the second request has been read.
    await once(socket, "data");
    const gone = once(socket.resume(), "close");
    await listener.close(300);
    await gone;
  });
});

test("ends a handshake that takes ten seconds", async () => {
  await once(await openTcp(await start("ecdsa"), ""), "close");
});
