// Reads single settings from the environment or from a file, and certificates with their keys.

import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { parseCertificateFile, parseKeyFile } from "./settings.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export const PREFIX = "COUNTERSIGN_";

/** Paths of a certificate and its key, in PEM. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

interface Reading<Value> {
  readonly parse: (text: string) => Value;
  readonly fallback: string | undefined;
}

/** Reads and parses a setting. Adds its mistake to `mistakes`. */
export function readParsed<Value>(
  environment: Environment,
  name: string,
  { parse, fallback }: Reading<Value>,
  mistakes: string[],
): Value | undefined {
  const text = readSetting(environment, name, mistakes) ?? fallback;
  if (text === undefined) return undefined;
  try {
    return parse(text);
  } catch (error) {
    mistakes.push(`${PREFIX}${name} ${error instanceof Error ? error.message : "is wrong"}`);
    return undefined;
  }
}

/** Reads a certificate and its key: both or neither. */
export function readPair(
  environment: Environment,
  certName: string,
  keyName: string,
  mistakes: string[],
): TlsFiles | undefined {
  const before = mistakes.length;
  const cert = readParsed(environment, certName, { parse: parseCertificateFile, fallback: undefined }, mistakes);
  const key = readParsed(environment, keyName, { parse: parseKeyFile, fallback: undefined }, mistakes);
  if (mistakes.length > before || (cert === undefined && key === undefined)) return undefined;
  if (cert === undefined || key === undefined) {
    mistakes.push(`${PREFIX}${certName} and ${PREFIX}${keyName} go together. Set both, to files in PEM`);
    return undefined;
  }
  const why = whyUnfit({ cert: readFileSync(cert), key: readFileSync(key) });
  if (why !== undefined) mistakes.push(`${PREFIX}${certName} and ${PREFIX}${keyName} ${why}`);
  return { cert, key };
}

function whyUnfit(pair: { cert: Buffer; key: Buffer }): string | undefined {
  // createSecureContext accepts a certificate and a key of different types, and every handshake then fails.
  if (!new X509Certificate(pair.cert).checkPrivateKey(createPrivateKey(pair.key))) return "do not fit together";
  try {
    createSecureContext(pair);
    return undefined;
  } catch (error) {
    return `cannot be used (${error instanceof Error && "code" in error ? error.code : "an error"})`;
  }
}

/** The certificates of the connection to Redis: PEM, read from the files that the settings name. */
export function readRedisTls(
  environment: Environment,
  mistakes: string[],
): Readonly<Partial<Record<"ca" | "cert" | "key", string>>> {
  const ca = readParsed(environment, "REDIS_CA", { parse: parseCertificateFile, fallback: undefined }, mistakes);
  const pair = readPair(environment, "REDIS_CERT", "REDIS_KEY", mistakes);
  const read = (path: string): string => readFileSync(path, "utf8");
  return {
    ...(ca !== undefined && { ca: read(ca) }),
    ...(pair !== undefined && { cert: read(pair.cert), key: read(pair.key) }),
  };
}

/** Reads a setting's text, from the environment or from the file that `…_FILE` names. */
export function readSetting(environment: Environment, name: string, mistakes: string[]): string | undefined {
  const text = environment[`${PREFIX}${name}`] || undefined;
  const file = environment[`${PREFIX}${name}_FILE`] || undefined;
  if (file === undefined) return text;
  if (text !== undefined) {
    mistakes.push(`${PREFIX}${name} and ${PREFIX}${name}_FILE are both set. Keep one`);
    return text;
  }
  try {
    return readFileSync(file, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "an error";
    mistakes.push(`${PREFIX}${name}_FILE is ${file}, which cannot be read (${code})`);
    return undefined;
  }
}
