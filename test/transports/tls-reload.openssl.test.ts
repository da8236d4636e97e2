// Certificates taken anew: only those that fit, for connections to come.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "../program.ts";
import { makeCertificates, replaceFile } from "./certificates.ts";
import { type SecureListener, startSecureListener } from "./secure-listener.ts";

const pems = makeCertificates({ server: "ecdsa", later: "rsa", former: "ecdsa", latter: "ecdsa", stranger: "ecdsa" });

const pem = (name: string): Buffer => readFileSync(join(pems, name));

/** The files are looked at once a second. */
const SOON = { timeout: 10_000 };

function open({ port, ca }: SecureListener, options: ConnectionOptions = {}): TLSSocket {
  const socket = connect({ host: "127.0.0.1", port, ca, ...options });
  socket.on("error", () => {});
  onTestFinished(() => {
    socket.destroy();
  });
  return socket;
}

/** The first line of an answer, or that there was none. */
function ask(socket: TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    socket.once("data", (answer) => resolve(String(answer).split("\r\n")[0] ?? ""));
    socket.once("close", () => resolve("closed"));
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  });
}

/** Whose certificate a new connection is shown. */
async function shown(listener: SecureListener): Promise<unknown> {
  const socket = open(listener, { rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return subject.CN;
}

const OK = "HTTP/1.1 200 OK";

test("a certificate without its key leaves all as it is, is told of, and is taken once the key is there", async () => {
  const listener = await startSecureListener(pems, "server");
  const before = open(listener);
  expect(await ask(before)).toBe(OK);

  replaceFile(listener.cert, join(pems, "later.crt"));
  await expect.poll(() => listener.faults.length, SOON).toBeGreaterThan(0);
  expect(await shown(listener)).toBe("server");
  expect(await ask(open(listener))).toBe(OK);
  expect(await ask(before)).toBe(OK);

  replaceFile(listener.key, join(pems, "later.key"));
  await expect.poll(() => shown(listener), SOON).toBe("later");
  expect(await ask(before)).toBe(OK);
  expect(before.getPeerCertificate().subject.CN).toBe("server");
});

test("a key without its certificate leaves all as it is, too", async () => {
  const listener = await startSecureListener(pems, "server");
  replaceFile(listener.key, join(pems, "later.key"));
  await expect.poll(() => listener.faults.length, SOON).toBeGreaterThan(0);
  expect(await shown(listener)).toBe("server");
  expect(await ask(open(listener))).toBe(OK);
});

test.each([["TLSv1.3"], ["TLSv1.2"]] as const)(
  "another authority of clients is taken for new connections, resumed ones included, with %s",
  async (maxVersion) => {
    const clientCa = join(temporaryFolder(), "clients.crt");
    replaceFile(clientCa, join(pems, "former.crt"));
    const listener = await startSecureListener(pems, "server", clientCa);
    const [former, latter, stranger] = ["former", "latter", "stranger"].map((name) => ({
      cert: pem(`${name}.crt`),
      key: pem(`${name}.key`),
      maxVersion,
    }));

    const before = open(listener, former);
    const kept = once(before, "session");
    expect(await ask(before)).toBe(OK);
    const [session] = await kept;
    const resumed = open(listener, { ...former, session });
    expect([await ask(resumed), resumed.isSessionReused()]).toEqual([OK, true]);
    for (const other of [latter, stranger, { maxVersion }]) expect(await ask(open(listener, other))).toBe("closed");

    replaceFile(clientCa, join(pems, "latter.crt"));
    await expect.poll(() => ask(open(listener, latter)), SOON).toBe(OK);
    expect(await ask(open(listener, former))).toBe("closed");
    expect(await ask(open(listener, { ...former, session }))).toBe("closed");
    expect(await ask(open(listener, stranger))).toBe("closed");
    expect(await ask(before)).toBe(OK);
    expect(listener.faults).toEqual([]);
  },
);

test("a file of authorities that is none leaves those before in use", async () => {
  const clientCa = join(temporaryFolder(), "clients.crt");
  replaceFile(clientCa, join(pems, "former.crt"));
  const listener = await startSecureListener(pems, "server", clientCa);
  replaceFile(clientCa, join(pems, "former.key"));
  await expect.poll(() => listener.faults.length, SOON).toBeGreaterThan(0);
  expect(await ask(open(listener, { cert: pem("former.crt"), key: pem("former.key") }))).toBe(OK);
  expect(await ask(open(listener))).toBe("closed");
});
