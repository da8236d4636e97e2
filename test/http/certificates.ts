// Certificates for TLS tests, made by openssl, and a bare listener that has one.

import { once } from "node:events";
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { afterAll, onTestFinished } from "vitest";
import { type Listener, listen } from "../../src/http/listener.ts";
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

export interface TlsListener extends Listener {
  readonly port: number;
  /** Errors of certificate files that could not be loaded. */
  readonly faults: readonly unknown[];
}

/** Starts a listener that answers `ok`, and never answers /never. It closes with the test. */
export async function startTlsListener(tls: TlsFiles): Promise<TlsListener> {
  const faults: unknown[] = [];
  const listener = await listen({
    host: "127.0.0.1",
    port: 0,
    serve: (exchange) => {
      if (exchange.target !== "/never") exchange.send({ status: 200, headers: [], body: "ok" });
    },
    tls,
    onFault: (error) => faults.push(error),
  });
  onTestFinished(async () => void (await listener.close(0)));
  return { ...listener, port: Number(new URL(listener.url).port), faults };
}

export interface SecureListener extends TlsListener {
  /** The server's own certificate, which is its authority. */
  readonly ca: Buffer;
  /** Paths of copies that a test may replace. */
  readonly cert: string;
  readonly key: string;
}

/** Starts a listener with the certificate `name` of a folder. */
export async function startSecureListener(pems: string, name: string, clientCa?: string): Promise<SecureListener> {
  const folder = temporaryFolder();
  const [cert, key] = [join(folder, "server.crt"), join(folder, "server.key")];
  copyFileSync(join(pems, `${name}.crt`), cert);
  copyFileSync(join(pems, `${name}.key`), key);
  const listener = await startTlsListener({ certs: [cert], keys: [key], ...(clientCa !== undefined && { clientCa }) });
  return { ...listener, ca: readFileSync(cert), cert, key };
}

export type Target = Pick<TlsListener, "port"> & Pick<ConnectionOptions, "ca">;

/** Opens a TLS connection, which ends with the test at the latest. An error closes it. */
export function openTls({ port, ca }: Target, options: ConnectionOptions = {}): TLSSocket {
  const socket = connect({ host: "127.0.0.1", port, ca, ...options });
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** Opens a TLS connection, and waits for its handshake. Rejects when that fails. */
export async function shakeHands(target: Target, options: ConnectionOptions = {}): Promise<TLSSocket> {
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
