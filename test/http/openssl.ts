// Self-signed certificates, made by openssl.

import { execFileSync } from "node:child_process";
import { join } from "node:path";

const KINDS = {
  rsa: ["-newkey", "rsa:2048"],
  ecdsa: ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
};

export type CertificateKind = keyof typeof KINDS;

/** Makes a certificate for 127.0.0.1, its own authority: `NAME.crt` and `NAME.key`. */
export function makeCertificate(folder: string, name: string, kind: CertificateKind): { cert: string; key: string } {
  const [cert, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", ...KINDS[kind], "-nodes", "-days", "2", "-subj", `/CN=${name}`],
      ...["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
    ],
    { stdio: "ignore" },
  );
  return { cert, key };
}
