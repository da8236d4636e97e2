// A listener's TLS: reloads certificate and key files when they change.

import { createPrivateKey, hkdfSync, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Server, TlsOptions } from "node:tls";

/** Paths of files in PEM. */
export interface TlsFiles {
  /** Certificates, each of another kind of key: a client gets the one that it can verify. */
  readonly certs: readonly string[];
  /** The private key of each certificate, in the same order. */
  readonly keys: readonly string[];
  /** Authorities: a client has to show a certificate of one of them. */
  readonly clientCa?: string;
  /** The present keys of session tickets, which all gateways derive alike; absent: keys of this process. */
  readonly ticketKeys?: () => Buffer;
}

/** A board that logs in every ten minutes resumes its session for half a day. */
const TICKET_SECONDS = 43_200;

/** Interval of the checks for changed files and ticket keys, in milliseconds. */
const LOOK_MS = 1_000;

/** Suites of TLS 1.3, then of 1.2. Boards in the field need the last ones, without forward secrecy or with CBC. */
const CIPHERS = [
  "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384",
  "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA",
  "AES128-GCM-SHA256:AES128-SHA256:AES128-SHA",
].join(":");

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Reads and checks the files: OpenSSL also loads files with which no handshake succeeds. @throws Error naming the file */
export function readTlsOptions({ certs, keys, clientCa, ticketKeys }: TlsFiles): TlsOptions {
  const read = (path: string): Buffer => readFileSync(path);
  const [cert, key] = [certs.map(read), keys.map(read)];
  for (const [at, one] of cert.entries()) {
    if (new X509Certificate(one).checkPrivateKey(createPrivateKey(key[at] ?? ""))) continue;
    throw new Error(`${certs[at]} and ${keys[at]} do not fit together`);
  }
  const authorities = clientCa === undefined ? undefined : readFileSync(clientCa, "utf8").match(CERTIFICATES);
  if (authorities === null) throw new Error(`${clientCa} holds no certificate in PEM`);
  for (const authority of authorities ?? []) void new X509Certificate(authority);
  return {
    cert,
    key,
    ...(ticketKeys && {
      ticketKeys: ticketKeys(),
      sessionTimeout: TICKET_SECONDS,
      // The default differs between processes with different arguments.
      sessionIdContext: "countersign",
    }),
    ...(authorities !== undefined && { ca: authorities, requestCert: true, rejectUnauthorized: true }),
    minVersion: "TLSv1.2",
    ciphers: CIPHERS,
    honorCipherOrder: true,
    ALPNProtocols: ["h2", "http/1.1"],
    handshakeTimeout: 10_000,
  };
}

/** The length that Node documents for its keys of tickets. */
const TICKET_KEY_BYTES = 48;

/**
 * Derives the keys of session tickets: the same on every gateway with the same secret. They change twice a day, which ends the
 * older tickets.
 * @param now Unix milliseconds
 */
export function deriveTicketKeys(secret: Uint8Array, now: number): Buffer {
  const period = Math.floor(now / (TICKET_SECONDS * 1_000));
  return Buffer.from(hkdfSync("sha256", secret, "", `countersign tls tickets v1 ${period}`, TICKET_KEY_BYTES));
}

/**
 * Loads the files again when one changes, for new connections. Files that do not fit together, as during a replacement, change
 * nothing.
 * @returns a function that ends it
 */
export function reloadTls(server: Server, files: TlsFiles, onFault: (error: unknown) => void): () => void {
  const paths = [...files.certs, ...files.keys, ...(files.clientCa ? [files.clientCa] : [])];
  const readFiles = (): string => paths.map(readIfThere).join();
  let seen = readFiles();
  let sealing = files.ticketKeys?.();
  const look = (): void => {
    const keys = files.ticketKeys?.();
    if (keys !== undefined && sealing?.equals(keys) === false) server.setTicketKeys(keys);
    sealing = keys;
    const found = readFiles();
    // Without `ticketKeys` a new context cannot resume sessions of the old one.
    if (found === seen) return;
    seen = found;
    try {
      server.setSecureContext(readTlsOptions(files));
    } catch (error) {
      onFault(new Error("the TLS files cannot be loaded: the earlier ones stay in use", { cause: error }));
    }
  };
  const timer = setInterval(look, LOOK_MS).unref();
  return () => clearInterval(timer);
}

/** A file's content; empty for one that cannot be read. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
