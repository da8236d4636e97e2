// What a handshake comes to: version, suite, protocol and key, each as the client offers it.

import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { makeCertificates } from "./certificates.ts";
import { startSecureListener } from "./secure-listener.ts";

const pems = makeCertificates({ rsa: "rsa", ecdsa: "ecdsa" });

/** A connection whose handshake has ended well, to a listener by the certificate of that name. */
async function shakeHands(name: string, offer: ConnectionOptions = {}): Promise<TLSSocket> {
  const { port, ca } = await startSecureListener(pems, name);
  const socket = connect({ host: "127.0.0.1", port, ca, ...offer });
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, "secureConnect");
  return socket;
}

async function getOver(socket: TLSSocket): Promise<string> {
  socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const [answer] = await once(socket, "data");
  return String(answer).split("\r\n")[0] ?? "";
}

const OK = "HTTP/1.1 200 OK";

test.each(["rsa", "ecdsa"])("TLS 1.3 with whoever offers it, by a key of %s", async (name) => {
  const socket = await shakeHands(name);
  expect([socket.getProtocol(), await getOver(socket)]).toEqual(["TLSv1.3", OK]);
});

test.each([
  ["rsa", "ECDHE-RSA-AES128-GCM-SHA256"],
  ["rsa", "ECDHE-RSA-AES128-SHA256"],
  ["rsa", "ECDHE-RSA-AES128-SHA"],
  ["rsa", "AES128-GCM-SHA256"],
  ["rsa", "AES128-SHA256"],
  ["rsa", "AES128-SHA"],
  ["ecdsa", "ECDHE-ECDSA-AES128-GCM-SHA256"],
  ["ecdsa", "ECDHE-ECDSA-AES128-SHA256"],
  ["ecdsa", "ECDHE-ECDSA-AES128-SHA"],
])("TLS 1.2 by a key of %s with a board that has %s alone", async (name, ciphers) => {
  const socket = await shakeHands(name, { maxVersion: "TLSv1.2", ciphers });
  expect([socket.getProtocol(), socket.getCipher().name]).toEqual(["TLSv1.2", ciphers]);
  expect(await getOver(socket)).toBe(OK);
});

test("the best suite of those offered is the server's choice", async () => {
  const ciphers = "AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256";
  const socket = await shakeHands("rsa", { maxVersion: "TLSv1.2", ciphers });
  expect(socket.getCipher().name).toBe("ECDHE-RSA-AES128-GCM-SHA256");
});

test.each<[readonly string[], string | false]>([
  [["http/1.1"], "http/1.1"],
  [["http/1.1", "h2"], "h2"],
  [["h2"], "h2"],
  [[], false],
])("ALPN %j comes to %j", async (offered, agreed) => {
  const socket = await shakeHands("ecdsa", offered.length === 0 ? {} : { ALPNProtocols: [...offered] });
  expect(socket.alpnProtocol).toBe(agreed);
  if (agreed !== "h2") {
    expect(await getOver(socket)).toBe(OK);
    return;
  }
  const session = connectHttp2("https://127.0.0.1", { createConnection: () => socket });
  const [headers] = await once(session.request({ ":path": "/" }).resume(), "response");
  expect(headers[":status"]).toBe(200);
});

test.each<[string, ConnectionOptions, string]>([
  ["no protocol that is served", { ALPNProtocols: ["spdy/3"] }, "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL"],
  [
    "no suite that is any good",
    { maxVersion: "TLSv1.2", ciphers: "AES256-SHA:@SECLEVEL=0" },
    "ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE",
  ],
  [
    "TLS 1.1 at most",
    { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" },
    "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
  ],
])("a client with %s is refused", async (_what, offer, code) => {
  await expect(shakeHands("rsa", offer)).rejects.toMatchObject({ code });
});
