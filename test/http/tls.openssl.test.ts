// TLS of a listener: handshakes, closing, and replaced files.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import type { Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { describe, expect, test } from "vitest";
import { deriveTicketKeys, type TlsFiles } from "../../src/http/tls.ts";
import { ask } from "../ask.ts";
import { PREFACE, readFrames, SETTINGS, settings } from "../frames.ts";
import { testConfig } from "../gateway.ts";
import { temporaryFolder } from "../program.ts";
import * as tls from "./certificates.ts";
import { openSocket } from "./raw-http.ts";

const { getOver, openTls, replaceFile, shakeHands } = tls;
const pems = tls.makeCertificates({ rsa: "rsa", ecdsa: "ecdsa", former: "ecdsa", latter: "ecdsa", stranger: "ecdsa" });
const file = (name: string): string => join(pems, name);
const VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;
const OK = "HTTP/1.1 200 OK";

const start = (names: readonly string[], options?: Partial<TlsFiles>) => tls.startTlsListener(pems, names, options);
/** A connection to a new listener with the certificate `name`. Rejects when the handshake fails. */
const connectTls = async (name: string, offer?: ConnectionOptions): Promise<TLSSocket> =>
  shakeHands(await start([name]), offer);

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
] as const)("with an %s key, speaks %s with %s, the client's only suite", async (name, maxVersion, ciphers) => {
  const socket = await connectTls(name, { maxVersion, ciphers });
  expect([socket.getProtocol(), socket.getCipher().name, await getOver(socket)]).toEqual([maxVersion, ciphers, OK]);
});

test("the server chooses the best offered suite", async () => {
  const ciphers = "AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256";
  const socket = await connectTls("rsa", { maxVersion: "TLSv1.2", ciphers });
  expect(socket.getCipher().name).toBe("ECDHE-RSA-AES128-GCM-SHA256");
});

test.each<[offered: readonly string[], agreed: string | false]>([
  [["http/1.1"], "http/1.1"],
  [["http/1.1", "h2"], "h2"],
  [["h2"], "h2"],
  [[], false],
])("ALPN %j selects %j", async (offered, agreed) => {
  const socket = await connectTls("ecdsa", offered.length === 0 ? {} : { ALPNProtocols: [...offered] });
  expect(socket.alpnProtocol).toBe(agreed);
  if (agreed !== "h2") {
    expect(await getOver(socket)).toBe(OK);
    return;
  }
  const session = connectHttp2("https://127.0.0.1", { createConnection: () => socket });
  const [headers] = await once(session.request({ ":path": "/" }).resume(), "response");
  expect([headers[":status"], headers["strict-transport-security"]]).toEqual([200, "max-age=31536000"]);
});

test("without ALPN, speaks HTTP/2 to a client that sends its preface", async () => {
  const socket = await connectTls("ecdsa");
  expect(socket.alpnProtocol).toBe(false);
  // The client of node:http2 insists on ALPN.
  socket.write(Buffer.concat([PREFACE, settings()]));
  const [bytes] = await once(socket, "data");
  expect([...readFrames(bytes)][0]).toMatchObject({ type: SETTINGS, stream: 0 });
});

test.each(VERSIONS)("answers a %s client that has ended its side", async (maxVersion) => {
  const socket = await connectTls("rsa", { maxVersion });
  const answer = text(socket);
  socket.end("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  expect(await answer).toMatch(/^HTTP\/1\.1 200 OK\r\n.*Strict-Transport-Security: max-age=31536000\r\n.*ok$/s);
});

const TLS_1_1 = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
const WEAK = { maxVersion: "TLSv1.2", ciphers: "AES256-SHA:@SECLEVEL=0" } as const;

test.each<[client: string, offer: ConnectionOptions, code: string]>([
  ["an unknown protocol", { ALPNProtocols: ["spdy/3"] }, "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL"],
  ["only weak suites", WEAK, "ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE"],
  ["TLS 1.1 at most", TLS_1_1, "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION"],
])("refuses a client with %s", async (_client, offer, code) => {
  await expect(connectTls("rsa", offer)).rejects.toMatchObject({ code });
});

test("still serves after failed handshakes", async () => {
  const listener = await start(["rsa"]);
  for (const bytes of ["GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00", ""]) {
    const socket = await openTcp(listener, bytes);
    await once(socket.end(), "close");
  }
  await expect(shakeHands(listener, TLS_1_1)).rejects.toThrow("protocol version");
  expect(await getOver(openTls(listener))).toBe(OK);
});

/** A client without TLS that has written some bytes. */
async function openTcp({ url }: tls.TlsListener, bytes: string): Promise<Socket> {
  const socket = openSocket(url.replace("https", "http")).resume();
  await once(socket, "connect");
  socket.write(bytes);
  return socket;
}

/** Resolves once the listener has accepted every earlier connection. */
const askOnce = ({ url, ca }: tls.TlsListener): Promise<unknown> => ask(url, { ca, agent: false });

describe("a listener that closes", () => {
  test.each<[client: string, bytesWithoutTls: string | undefined]>([
    ["sends nothing", ""],
    ["sends half a ClientHello", "\x16\x03\x01\x02\x00\x01\x00"],
    ["sends no request after its handshake", undefined],
  ])("closes at once the connection of a client that %s", async (_client, bytesWithoutTls) => {
    const listener = await start(["ecdsa"]);
    // This older silent connection reaches the timeout of ten seconds first.
    const timeout = once(await openTcp(await start(["ecdsa"]), ""), "close");
    const socket = await (bytesWithoutTls === undefined ? shakeHands(listener) : openTcp(listener, bytesWithoutTls));
    const gone = once(socket.resume(), "close");
    await askOnce(listener);
    await listener.close(600_000);
    expect(await Promise.race([timeout.then(() => "timed out"), gone.then(() => "closed")])).toBe("closed");
  });

  test("ends a request that is still under way after the grace period", async () => {
    const listener = await start(["ecdsa"]);
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
  await once(await openTcp(await start(["ecdsa"]), ""), "close");
});

/** The name in the certificate that a new connection gets. */
async function nameOf(listener: tls.TlsListener, options: ConnectionOptions = {}): Promise<unknown> {
  return (await shakeHands(listener, options)).getPeerCertificate().subject.CN;
}

test.each([
  ["cert", "key"],
  ["key", "cert"],
] as const)("reports a new %s that has no matching file yet, and loads it with the new %s", async (first, second) => {
  const listener = await start(["ecdsa"]);
  const replace = (part: "cert" | "key"): void => {
    const [path = ""] = listener[`${part}s`];
    replaceFile(path, file(part === "cert" ? "rsa.crt" : "rsa.key"));
  };
  const before = openTls(listener);
  expect(await getOver(before)).toBe(OK);

  replace(first);
  await expect.poll(() => listener.faults.length).toBeGreaterThan(0);
  expect(await nameOf(listener)).toBe("ecdsa");
  expect(await getOver(openTls(listener))).toBe(OK);

  replace(second);
  await expect.poll(() => nameOf(listener)).toBe("rsa");
  expect(await getOver(before)).toBe(OK);
  expect(before.getPeerCertificate().subject.CN).toBe("ecdsa");
});

const pair = (name: string) => ({ cert: readFileSync(file(`${name}.crt`)), key: readFileSync(file(`${name}.key`)) });

/** A listener that accepts client certificates of the authority `former` only. */
async function startWithClientCa() {
  const clientCa = join(temporaryFolder(), "clients.crt");
  replaceFile(clientCa, file("former.crt"));
  return { listener: await start(["ecdsa"], { clientCa }), clientCa };
}

async function getSession(target: tls.TlsListener, options: ConnectionOptions): Promise<Buffer> {
  const socket = openTls(target, options);
  const [[session]] = await Promise.all([once(socket, "session"), getOver(socket)]);
  socket.destroy();
  return session;
}

async function isResumed(target: tls.TlsListener, session: Buffer, options: ConnectionOptions = {}): Promise<boolean> {
  const socket = await shakeHands(target, { ...options, session });
  expect(await getOver(socket)).toBe(OK);
  return socket.isSessionReused();
}

test.each(VERSIONS)(
  "checks new %s connections, resumed ones included, against the new client authority",
  async (maxVersion) => {
    const { listener, clientCa } = await startWithClientCa();
    const [former, latter, stranger] = ["former", "latter", "stranger"].map((name) => ({ ...pair(name), maxVersion }));

    const before = openTls(listener, former);
    expect(await getOver(before)).toBe(OK);
    const session = await getSession(listener, { ...former });
    expect(await isResumed(listener, session, former)).toBe(true);
    for (const other of [latter, stranger, { maxVersion }]) {
      expect(await getOver(openTls(listener, other))).toBe("closed");
    }

    replaceFile(clientCa, file("latter.crt"));
    await expect.poll(() => getOver(openTls(listener, latter))).toBe(OK);
    for (const other of [former, { ...former, session }, stranger]) {
      expect(await getOver(openTls(listener, other))).toBe("closed");
    }
    expect(await getOver(before)).toBe(OK);
    expect(listener.faults).toEqual([]);
  },
);

test("keeps the old client authorities when the new file has none", async () => {
  const { listener, clientCa } = await startWithClientCa();
  replaceFile(clientCa, file("former.key"));
  await expect.poll(() => listener.faults.length).toBeGreaterThan(0);
  expect(await getOver(openTls(listener, pair("former")))).toBe(OK);
  expect(await getOver(openTls(listener))).toBe("closed");
});

test.each(VERSIONS)("a %s session of one gateway is resumed by the other", async (maxVersion) => {
  let secret = Buffer.alloc(32, 1);
  const tickets = { ticketKeys: () => deriveTicketKeys(secret, 0) };
  const [one, other, stranger] = [
    await start(["ecdsa"], tickets),
    await start(["ecdsa"], tickets),
    await start(["ecdsa"]),
  ];
  const session = await getSession(one, { maxVersion });
  const resumed = await Promise.all([one, other, stranger].map((each) => isResumed(each, session, { maxVersion })));
  expect(resumed).toEqual([true, true, false]);
  secret = Buffer.alloc(32, 2);
  await expect.poll(() => isResumed(other, session, { maxVersion })).toBe(false);
});

test("a session outlives a new certificate", async () => {
  const listener = await start(["ecdsa"], { ticketKeys: () => deriveTicketKeys(Buffer.alloc(32), 0) });
  const session = await getSession(listener, {});
  const [cert = "", key = ""] = [...listener.certs, ...listener.keys];
  replaceFile(cert, file("rsa.crt"));
  replaceFile(key, file("rsa.key"));
  await expect.poll(() => nameOf(listener)).toBe("rsa");
  expect(await isResumed(listener, session)).toBe(true);
});

test("the ticket keys differ for another secret, and change every half day", () => {
  const [secret, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  const halfDay = 43_200_000;
  const keys = [...[0, halfDay, 2 * halfDay].map((now) => deriveTicketKeys(secret, now)), deriveTicketKeys(other, 0)];
  expect(new Set(keys.map((key) => key.toString("hex"))).size).toBe(4);
  expect(deriveTicketKeys(secret, halfDay - 1)).toEqual(keys[0]);
  expect(keys[0]).toHaveLength(48);
});

test.each([
  ["ECDHE-RSA-AES128-GCM-SHA256", "rsa"],
  ["ECDHE-ECDSA-AES128-GCM-SHA256", "ecdsa"],
])("a board that has only %s gets the certificate of %s", async (ciphers, name) => {
  expect(await nameOf(await start(["rsa", "ecdsa"]), { maxVersion: "TLSv1.2", ciphers })).toBe(name);
});

test("the settings take certificates of two kinds, each with its key, and no others", () => {
  const paths = (names: readonly string[], extension: string) => names.map((name) => file(`${name}.${extension}`));
  const read = (certs: readonly string[], keys: readonly string[]) =>
    testConfig({ DATA_DIR: pems, TLS_CERT: paths(certs, "crt").join(", "), TLS_KEY: paths(keys, "key").join() });
  const names = ["rsa", "ecdsa"];
  expect(read(names, names)).toMatchObject({ tlsCert: paths(names, "crt"), tlsKey: paths(names, "key") });
  expect(() => read(names, ["ecdsa", "rsa"])).toThrow("TLS_KEY does not fit COUNTERSIGN_TLS_CERT");
  expect(() => read(names, ["rsa"])).toThrow("names 1 files, and COUNTERSIGN_TLS_CERT 2");
  expect(() => read(["former", "ecdsa"], ["former", "ecdsa"])).toThrow("two certificates of one kind");
});
