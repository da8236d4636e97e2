// Session tickets that any gateway resumes, and certificates of two kinds at once.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ConnectionOptions } from "node:tls";
import { expect, test } from "vitest";
import { deriveTicketKeys, type TlsFiles } from "../../src/http/tls.ts";
import { testConfig } from "../gateway.ts";
import {
  getOver,
  makeCertificates,
  openTls,
  replaceFile,
  shakeHands,
  startTlsListener,
  type Target,
} from "./certificates.ts";

const pems = makeCertificates({ rsa: "rsa", ecdsa: "ecdsa", later: "ecdsa", copied: "ecdsa" });
const certOf = (name: string): string => join(pems, `${name}.crt`);
const keyOf = (name: string): string => join(pems, `${name}.key`);
const filesOf = (...names: string[]) => ({ certs: names.map(certOf), keys: names.map(keyOf) });
const ca = ["rsa", "ecdsa", "later", "copied"].map((name) => readFileSync(join(pems, `${name}.crt`)));

const start = async (tls: TlsFiles) => ({ ...(await startTlsListener(tls)), ca });

async function getSession(target: Target, options: ConnectionOptions): Promise<Buffer> {
  const socket = openTls(target, options);
  const issued = once(socket, "session");
  await getOver(socket);
  const [session] = await issued;
  socket.destroy();
  return session;
}

async function isResumed(target: Target, session: Buffer, options: ConnectionOptions): Promise<boolean> {
  const socket = await shakeHands(target, { ...options, session });
  await getOver(socket);
  return socket.isSessionReused();
}

test.each(["TLSv1.2", "TLSv1.3"] as const)(
  "a %s session of one gateway is resumed by the other",
  async (maxVersion) => {
    let secret = Buffer.alloc(32, 1);
    const tls = { ...filesOf("ecdsa"), ticketKeys: () => deriveTicketKeys(secret, 0) };
    const [one, other] = [await start(tls), await start(tls)];
    const stranger = await start(filesOf("ecdsa"));
    const session = await getSession(one, { maxVersion });
    expect(await isResumed(one, session, { maxVersion })).toBe(true);
    expect(await isResumed(other, session, { maxVersion })).toBe(true);
    expect(await isResumed(stranger, session, { maxVersion })).toBe(false);
    secret = Buffer.alloc(32, 2);
    await expect.poll(() => isResumed(other, session, { maxVersion })).toBe(false);
  },
);

test("a session outlives a new certificate", async () => {
  const target = await start({ ...filesOf("copied"), ticketKeys: () => deriveTicketKeys(Buffer.alloc(32), 0) });
  const session = await getSession(target, {});
  replaceFile(certOf("copied"), certOf("later"));
  replaceFile(keyOf("copied"), keyOf("later"));
  await expect.poll(async () => (await shakeHands(target)).getPeerCertificate().subject.CN).toBe("later");
  expect(await isResumed(target, session, {})).toBe(true);
});

test("the ticket keys differ for another secret, and change every half day", () => {
  const [secret, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  const day = 86_400_000;
  const keys = [
    deriveTicketKeys(secret, 0),
    deriveTicketKeys(secret, day / 2),
    deriveTicketKeys(secret, day),
    deriveTicketKeys(other, 0),
  ];
  expect(new Set(keys.map((key) => key.toString("hex"))).size).toBe(4);
  expect(deriveTicketKeys(secret, day / 2 - 1)).toEqual(keys[0]);
  expect(keys[0]).toHaveLength(48);
});

test.each([
  ["ECDHE-RSA-AES128-GCM-SHA256", "rsa"],
  ["ECDHE-ECDSA-AES128-GCM-SHA256", "ecdsa"],
] as const)("a board that has only %s gets the certificate of %s", async (ciphers, name) => {
  const socket = await shakeHands(await start(filesOf("rsa", "ecdsa")), { maxVersion: "TLSv1.2", ciphers });
  expect(socket.getPeerCertificate().subject.CN).toBe(name);
});

test("the settings take certificates of two kinds, each with its key, and no others", () => {
  const read = (certs: readonly string[], keys: readonly string[]) =>
    testConfig({ DATA_DIR: pems, TLS_CERT: certs.map(certOf).join(", "), TLS_KEY: keys.map(keyOf).join() });
  expect(read(["rsa", "ecdsa"], ["rsa", "ecdsa"])).toMatchObject({
    tlsCert: [certOf("rsa"), certOf("ecdsa")],
    tlsKey: [keyOf("rsa"), keyOf("ecdsa")],
  });
  expect(() => read(["rsa", "ecdsa"], ["ecdsa", "rsa"])).toThrow("TLS_KEY does not fit COUNTERSIGN_TLS_CERT");
  expect(() => read(["rsa", "ecdsa"], ["rsa"])).toThrow("names 1 files, and COUNTERSIGN_TLS_CERT 2");
  expect(() => read(["later", "ecdsa"], ["later", "ecdsa"])).toThrow("two certificates of one kind");
});
