// Readers of settings' texts. Each throws an Error whose message continues a sentence that begins with the setting's name.

import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { parseDuration, readLimit } from "./core/limit-text.ts";
import { type AddressOverride, type Network, readLimitedNetwork, readNetwork } from "./core/limiter/addresses.ts";
import { TOKEN_TYPES, type TokenType } from "./core/tokens/algorithms.ts";

/** Returns the text of another setting. */
type TextOf = (name: string) => string | undefined;

/** Creates a reader that also accepts `off`, as undefined. */
export function orOff<Value>(read: (text: string) => Value): (text: string) => Value | undefined {
  return (text) => {
    if (text === "off") return undefined;
    try {
      return read(text);
    } catch (error) {
      throw new Error(`${messageOf(error)}, or off`);
    }
  };
}

export interface ListenAddress {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
}

/** `host:port` or `[host]:port`. */
export function readListen(text: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535)
    throw new Error("is not an address to listen at. Write host:port or [host]:port");
  return { host: match[1] ?? (match[2] || "0.0.0.0"), port };
}

/** 32 bytes in base64 or hex. */
export function readMasterKey(text: string): Uint8Array {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, "hex");
  if (/^[\w+/-]{43}=?$/.test(text)) return Buffer.from(text, "base64");
  throw new Error("is not 32 bytes in base64 or hex. Make one with: openssl rand -base64 32");
}

/** Master keys, separated by commas. */
export function readMasterKeys(text: string): readonly Uint8Array[] {
  return entriesOf(text).map((entry, index) => {
    try {
      return readMasterKey(entry);
    } catch (error) {
      throw new Error(`names a key, number ${index + 1}, that ${messageOf(error)}`);
    }
  });
}

const MIN_ADMIN_TOKEN = 16;

/** At least 16 visible ASCII characters: they go into a header, and must be hard to guess. */
export function readAdminToken(text: string): string {
  if (/^[\x21-\x7e]+$/.test(text) && text.length >= MIN_ADMIN_TOKEN) return text;
  throw new Error(
    `has to be at least ${MIN_ADMIN_TOKEN} visible ASCII characters. Make one with: openssl rand -hex 32`,
  );
}

/** An http or https URL. */
export function readHttpUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new Error("is not an http or https URL. Write http://host:port or https://host:port");
}

/** Largest sum of the lengths of `iss` and `aud` for which a login's answer fits the memory of boards (decision 5). */
const LONGEST_NAMES = 92;

/** Visible ASCII. */
export function readAudience(text: string, textOf: TextOf): string {
  if (!/^[\x21-\x7e]+$/.test(text)) throw new Error("has to be visible ASCII characters");
  const excess = JSON.stringify(`${textOf("ISSUER") ?? ""}${text}`).length - 2 - LONGEST_NAMES;
  if (excess <= 0) return text;
  throw new Error(
    `and COUNTERSIGN_ISSUER are too long by ${excess} characters: boards could not read a login's answer`,
  );
}

/** The `typ` of tokens. A token with `at+jwt` has the device_key twice, which leaves no room for the signatures of RSA. */
export function readTokenType(text: string, textOf: TextOf): TokenType {
  const type = createOneOf(TOKEN_TYPES)(text);
  if (type === "JWT" || textOf("TOKEN_ALG") !== "RS256") return type;
  throw new Error(
    "is at+jwt, with which boards could not read a login's answer. Set COUNTERSIGN_TOKEN_ALG to ES256 or EdDSA",
  );
}

/** The path of a PEM file of certificates. */
export function readCertificateFile(path: string): string {
  readCertificate(path);
  return path;
}

/** The certificates in a PEM file. */
export function readCertificate(path: string): string {
  return readPem(path, "no certificate in PEM", (pem) => new X509Certificate(pem));
}

/** Paths of PEM files of certificates, separated by commas, each of another kind of key. */
export function readCertificateFiles(text: string): readonly string[] {
  const paths = entriesOf(text).map(readCertificateFile);
  const kinds = paths.map((path) => new X509Certificate(readFileSync(path)).publicKey.asymmetricKeyType);
  if (new Set(kinds).size === kinds.length) return paths;
  throw new Error("names two certificates of one kind of key. Keep one of RSA and one of ECDSA");
}

/** Creates a reader of the paths of private keys in PEM: one for each certificate of the setting, in the same order. */
export function readKeyFiles(certificate: string): (text: string, textOf: TextOf) => readonly string[] {
  return (text, textOf) => {
    const paths = entriesOf(text);
    const certificates = entriesOf(textOf(certificate) ?? "none");
    if (paths.length !== certificates.length) {
      throw new Error(
        `names ${paths.length} files, and COUNTERSIGN_${certificate} ${certificates.length}. Name a key for each`,
      );
    }
    for (const [at, path] of paths.entries()) readKey(certificate)(path, () => certificates[at]);
    return paths;
  };
}

/** Creates a reader of the path of a private key in PEM, for the certificate of the setting. */
export function readKey(certificate: string): (path: string, textOf: TextOf) => string {
  return (path, textOf) => {
    const pem = readPem(path, "no private key in PEM, or one under a passphrase", createPrivateKey);
    const other = textOf(certificate);
    if (other !== undefined && !fits(pem, other)) throw new Error(`does not fit COUNTERSIGN_${certificate}`);
    return pem;
  };
}

function fits(key: string, certificatePath: string): boolean {
  try {
    return new X509Certificate(readFileSync(certificatePath)).checkPrivateKey(createPrivateKey(key));
  } catch {
    // The certificate's own setting reports the error.
    return true;
  }
}

function readPem(path: string, otherwise: string, parse: (pem: string) => unknown): string {
  // The text may be the key itself instead of a path, so it is not repeated.
  if (/[\r\n]|-----BEGIN /.test(path)) throw new Error("is not a path. Set it to the path of a PEM file");
  let pem: string;
  try {
    pem = readFileSync(path, "utf8");
  } catch (error) {
    throw new Error(`is ${path}, which cannot be read (${codeOf(error)}). Set it to the path of a PEM file`);
  }
  try {
    parse(pem);
  } catch {
    throw new Error(`is ${path}, which holds ${otherwise}`);
  }
  return pem;
}

/** Creates a reader of one of a few words, in any case. */
export function createOneOf<Word extends string>(words: readonly Word[]): (text: string) => Word {
  return (text) => {
    const word = words.find((one) => one.toLowerCase() === text.toLowerCase());
    if (word === undefined) throw new Error(`is not one of ${words.join(", ")}`);
    return word;
  };
}

/** Creates a reader of a whole number in a range. */
export function createWholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= least && number <= most) return number;
    throw new Error(`is not a whole number from ${least} to ${most}`);
  };
}

/** A host name (RFC 1123), with underscores as in container networks. */
const HOST_NAME = /^(?!-)[\w-]{1,63}(?:\.(?!-)[\w-]{1,63})*$/;

/** Host names separated by commas, made lower case and without a trailing dot. */
export function readHostNames(text: string): readonly string[] {
  return entriesOf(text).map((entry) => {
    const name = entry.toLowerCase().replace(/\.$/, "");
    if (HOST_NAME.test(name)) return name;
    throw new Error(`names ${entry}, which is not a host name. Write for example gateway.internal, without a port`);
  });
}

/** Origins (RFC 6454, 6.2) separated by commas, or `*`. */
export function readOrigins(text: string): readonly string[] | "*" {
  if (text === "*") return text;
  return entriesOf(text).map((entry) => {
    const url = /^https?:\/\//.test(entry) && URL.canParse(entry) ? new URL(entry) : undefined;
    if (url?.origin === entry) return entry;
    const cure = url === undefined ? "https://app.example" : url.origin;
    throw new Error(`names ${entry}, which is not an origin. Write ${cure}, without a path, or only * for all`);
  });
}

/** Creates a reader of a number and `ms`, `s`, `m`, `h` or `d`, in milliseconds. */
export function createDuration(least: string, most: string): (text: string) => number {
  return (text) => {
    const ms = parseDuration(text);
    if (Number.isNaN(ms)) throw new Error("is not a duration. Write a number and ms, s, m, h or d, as in 600s");
    if (ms >= parseDuration(least) && ms <= parseDuration(most)) return ms;
    throw new Error(`is out of range: ${least} to ${most}`);
  };
}

/** Networks and addresses separated by commas. A network of all addresses is refused. */
export function readTrustedProxies(text: string): readonly Network[] {
  return entriesOf(text).map((entry) => {
    const network = readNetwork(entry);
    if (network.prefix > 0) return network;
    throw new Error(
      `names ${entry}, which holds every address, so any caller could claim any address. Write the networks of your proxies`,
    );
  });
}

/** Pairs `network=limit` separated by commas, each network once. */
export function readAddressOverrides(text: string): readonly AddressOverride[] {
  const seen = new Set<string>();
  return entriesOf(text).map((entry) => {
    const [start = "", limit, ...rest] = entry.split("=").map((part) => part.trim());
    if (limit === undefined || rest.length > 0) {
      throw new Error(
        `names ${entry}, which is not network=limit. Write for example 10.0.0.0/8=60000/60s or 10.0.0.0/8=off`,
      );
    }
    const network = readLimitedNetwork(start);
    if (seen.has(network.text)) throw new Error(`names ${network.text} twice. Keep one`);
    seen.add(network.text);
    try {
      return { network, policy: readLimit("address", limit) };
    } catch (error) {
      throw new Error(`names ${entry}, where ${limit} ${messageOf(error)}`);
    }
  });
}

function entriesOf(text: string): string[] {
  if (text === "") return [];
  const entries = text.split(",").map((entry) => entry.trim());
  if (entries.includes("")) throw new Error("has an empty entry. Remove the extra comma");
  return entries;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "is wrong";
}

/** The code of a system error, such as ENOENT. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "an error";
}
