// Certificates, client authorities and ticket keys of a listener: replaced while it runs, and shared by gateways.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ConnectionOptions } from "node:tls";
import { expect, test } from "vitest";
import { deriveTicketKeys, type TlsFiles } from "../../src/http/tls.ts";
import { testConfig } from "../gateway.ts";
import { temporaryFolder } from "../program.ts";
import {
  getOver,
  makeCertificates,
  openTls,
  replaceFile,
  shakeHands,
  startTlsListener,
  type TlsListener,
} from "./certificates.ts";

const pems = makeCertificates({ rsa: "rsa", ecdsa: "ecdsa", former: "ecdsa", latter: "ecdsa", stranger: "ecdsa" });
const file = (name: string): string => join(pems, name);
const pair = (name: string) => ({ cert: readFileSync(file(`${name}.crt`)), key: readFileSync(file(`${name}.key`)) });
const start = (names: readonly string[], options?: Partial<TlsFiles>) => startTlsListener(pems, names, options);

const VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;
const OK = "HTTP/1.1 200 OK";

/** The name in the certificate that a new connection gets. */
async function nameOf(listener: TlsListener, options: ConnectionOptions = {}): Promise<unknown> {
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

/** A listener that accepts client certificates of the authority `former` only. */
async function startWithClientCa() {
  const clientCa = join(temporaryFolder(), "clients.crt");
  replaceFile(clientCa, file("former.crt"));
  return { listener: await start(["ecdsa"], { clientCa }), clientCa };
}

async function getSession(target: TlsListener, options: ConnectionOptions): Promise<Buffer> {
  const socket = openTls(target, options);
  const [[session]] = await Promise.all([once(socket, "session"), getOver(socket)]);
  socket.destroy();
  return session;
}

async function isResumed(target: TlsListener, session: Buffer, options: ConnectionOptions = {}): Promise<boolean> {
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
