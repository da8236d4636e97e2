// TLS for a listener: certificate and key by file, taken anew when they change. Knows files and handshakes, no protocol above.

import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, unwatchFile, watchFile } from "node:fs";
import type { Server, TlsOptions } from "node:tls";

/** Files in PEM. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** Whoever connects has to show a certificate of one of these authorities. */
  readonly clientCa?: string;
}

/** How often the files are looked at, in milliseconds. */
const LOOK_MS = 1_000;

/**
 * TLS 1.3's own suites, then those of 1.2 from the best to what boards in the field have: no forward secrecy and CBC come
 * last, nothing that is broken at all.
 */
const CIPHERS = [
  "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384",
  "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA",
  "AES128-GCM-SHA256:AES128-SHA256:AES128-SHA",
].join(":");

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * What a TLS server is made of now. OpenSSL takes some files without a word that no handshake succeeds with: those are found
 * out here.
 * @throws Error that names the file, or the system's for one that cannot be read
 */
export function readTlsOptions({ cert: certPath, key: keyPath, clientCa }: TlsFiles): TlsOptions {
  const [cert, key] = [readFileSync(certPath), readFileSync(keyPath)];
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
    throw new Error(`${certPath} and ${keyPath} do not fit together`);
  }
  const authorities = clientCa === undefined ? undefined : readFileSync(clientCa, "utf8").match(CERTIFICATES);
  if (authorities === null) throw new Error(`${clientCa} holds no certificate in PEM`);
  for (const authority of authorities ?? []) void new X509Certificate(authority);
  return {
    cert,
    key,
    ...(authorities !== undefined && { ca: authorities, requestCert: true, rejectUnauthorized: true }),
    minVersion: "TLSv1.2",
    ciphers: CIPHERS,
    honorCipherOrder: true,
    ALPNProtocols: ["h2", "http/1.1"],
    // A stranger's handshake, and what one costs.
    handshakeTimeout: 10_000,
  };
}

/**
 * Takes the files anew when one changes; connections that stand keep what they have. Files that do not fit together,
 * as while they are being replaced, leave all as it is until they do.
 * @returns what ends it
 */
export function reloadTls(server: Server, files: TlsFiles, onFault: (error: unknown) => void): () => void {
  const paths = Object.values(files);
  const reload = (): void => {
    try {
      server.setSecureContext(readTlsOptions(files));
    } catch (error) {
      onFault(new Error("the files of TLS cannot be taken: those before stay in use", { cause: error }));
    }
  };
  // By stat, since a certificate is often replaced by moving a link, which no event tells of.
  for (const path of paths) watchFile(path, { interval: LOOK_MS, persistent: false }, reload);
  // A change between the first reading and the first look, which later ones are held against, shows in none of them.
  const missed = setTimeout(reload, LOOK_MS).unref();
  return () => {
    clearTimeout(missed);
    for (const path of paths) unwatchFile(path, reload);
  };
}
