// Certificates for TLS tests, made by openssl.

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

const KINDS = {
  rsa: ["-newkey", "rsa:2048"],
  ecdsa: ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
};

/** A folder of certificates for 127.0.0.1, each its own authority: `NAME.crt` and `NAME.key`. It goes after the file's tests. */
export function makeCertificates(names: Readonly<Record<string, keyof typeof KINDS>>): string {
  const folder = mkdtempSync(join(tmpdir(), "countersign-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  for (const [name, kind] of Object.entries(names)) {
    execFileSync(
      "openssl",
      [
        ...["req", "-x509", ...KINDS[kind], "-nodes", "-days", "2", "-subj", `/CN=${name}`],
        ...["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", `${name}.key`, "-out", `${name}.crt`],
      ],
      { cwd: folder, stdio: "ignore" },
    );
  }
  return folder;
}

/** Puts a file in another's place at once, as whoever renews certificates does. */
export function replaceFile(path: string, by: string): void {
  copyFileSync(by, `${path}.next`);
  renameSync(`${path}.next`, path);
}
