// A listener loads changed certificate files for new connections, if they are valid.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../program.ts";
import {
  getOver,
  makeCertificates,
  openTls,
  replaceFile,
  type SecureListener,
  shakeHands,
  startSecureListener,
} from "./certificates.ts";

const pems = makeCertificates({ server: "ecdsa", later: "rsa", former: "ecdsa", latter: "ecdsa", stranger: "ecdsa" });
const file = (name: string): string => join(pems, name);
const pair = (name: string) => ({ cert: readFileSync(file(`${name}.crt`)), key: readFileSync(file(`${name}.key`)) });

const OK = "HTTP/1.1 200 OK";

/** The name in the certificate that a new connection gets. */
async function nameOf(listener: SecureListener): Promise<unknown> {
  const socket = await shakeHands(listener, { rejectUnauthorized: false });
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return subject.CN;
}

test.each([
  ["cert", "key"],
  ["key", "cert"],
] as const)("reports a new %s that has no matching file yet, and loads it with the new %s", async (first, second) => {
  const extension = { cert: "crt", key: "key" };
  const listener = await startSecureListener(pems, "server");
  const before = openTls(listener);
  expect(await getOver(before)).toBe(OK);

  replaceFile(listener[first], file(`later.${extension[first]}`));
  await expect.poll(() => listener.faults.length).toBeGreaterThan(0);
  expect(await nameOf(listener)).toBe("server");
  expect(await getOver(openTls(listener))).toBe(OK);

  replaceFile(listener[second], file(`later.${extension[second]}`));
  await expect.poll(() => nameOf(listener)).toBe("later");
  expect(await getOver(before)).toBe(OK);
  expect(before.getPeerCertificate().subject.CN).toBe("server");
});

/** A listener that accepts client certificates of the authority `former` only. */
async function startWithClientCa(): Promise<{ listener: SecureListener; clientCa: string }> {
  const clientCa = join(temporaryFolder(), "clients.crt");
  replaceFile(clientCa, file("former.crt"));
  return { listener: await startSecureListener(pems, "server", clientCa), clientCa };
}

test.each(["TLSv1.3", "TLSv1.2"] as const)(
  "checks new %s connections, resumed ones included, against the new client authority",
  async (maxVersion) => {
    const { listener, clientCa } = await startWithClientCa();
    const [former, latter, stranger] = ["former", "latter", "stranger"].map((name) => ({ ...pair(name), maxVersion }));

    const before = openTls(listener, former);
    const issued = once(before, "session");
    expect(await getOver(before)).toBe(OK);
    const [session] = await issued;
    const resumed = openTls(listener, { ...former, session });
    expect([await getOver(resumed), resumed.isSessionReused()]).toEqual([OK, true]);
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
