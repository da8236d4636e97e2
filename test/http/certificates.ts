// Makes certificates by openssl, and starts a TLS listener with them.

import { once } from "node:events";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { afterAll, onTestFinished } from "vitest";
import { listen } from "../../src/http/listener.ts";
import type { TlsFiles } from "../../src/http/tls.ts";
import { temporaryFolder } from "../program.ts";
import { type CertificateKind, makeCertificate } from "./openssl.ts";

/** Makes self-signed certificates for 127.0.0.1: `NAME.crt` and `NAME.key` in a folder, removed after the file's tests. */
export function makeCertificates(names: Readonly<Record<string, CertificateKind>>): string {
  const folder = mkdtempSync(join(tmpdir(), "countersign-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  for (const [name, kind] of Object.entries(names)) makeCertificate(folder, name, kind);
  return folder;
}

/** Replaces a file in one step, as a certificate renewal does. */
export function replaceFile(path: string, by: string): void {
  copyFileSync(by, `${path}.next`);
  renameSync(`${path}.next`, path);
}

export type TlsListener = Awaited<ReturnType<typeof startTlsListener>>;

/** Starts a listener with copies of certificates of a folder. It answers `ok`, never answers /never, and closes with the test. */
export async function startTlsListener(pems: string, names: readonly string[], options: Partial<TlsFiles> = {}) {
  const folder = temporaryFolder();
  const copy = (file: string): string => {
    copyFileSync(join(pems, file), join(folder, file));
    return join(folder, file);
  };
  const certs = names.map((name) => copy(`${name}.crt`));
  const keys = names.map((name) => copy(`${name}.key`));
  const faults: unknown[] = [];
  const listener = await listen({
    host: "127.0.0.1",
    port: 0,
    serve: (exchange) => {
      if (exchange.target !== "/never") exchange.send({ status: 200, headers: [], body: "ok" });
    },
    tls: { certs, keys, ...options },
    onFault: (error) => faults.push(error),
  });
  onTestFinished(async () => void (await listener.close(0)));
  const authorities = readdirSync(pems).filter((file) => file.endsWith(".crt"));
  const ca = authorities.map((file) => readFileSync(join(pems, file)));
  return { ...listener, port: Number(new URL(listener.url).port), certs, keys, ca, faults };
}

/** Opens a TLS connection, which ends with the test at the latest. An error closes it. */
export function openTls({ port, ca }: TlsListener, options: ConnectionOptions = {}): TLSSocket {
  const socket = connect({ host: "127.0.0.1", port, ca, ...options });
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** Opens a TLS connection, and waits for its handshake. Rejects when that fails. */
export async function shakeHands(target: TlsListener, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = openTls(target, options);
  await once(socket, "secureConnect");
  return socket;
}

/** Sends a request. Resolves with the first line of the answer, or `closed`. */
export function getOver(socket: TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    socket.once("data", (answer) => resolve(String(answer).split("\r\n")[0] ?? ""));
    socket.once("close", () => resolve("closed"));
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  });
}
