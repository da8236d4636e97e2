// The search for what made a signature: which key, message and function, in bounded work. Knows no request and no store.

import { createHash, createHmac, createSecretKey, type KeyObject } from "node:crypto";
import type { SignedText } from "./arrangements.ts";
import type { CandidateKey } from "./candidate-keys.ts";
import type { CandidateMessages } from "./candidate-messages.ts";
import { type Finding, finding } from "./findings.ts";
import { type KeySlip, keyCuts, keySlips } from "./key-slips.ts";
import type { SentSignature } from "./sent-signature.ts";

/**
 * So much is tried and no more, in MACs of a usual key and message at some 2 microseconds each: under 50 ms of one core, of
 * which other calls wait for no more than a slice. The likelier come first, so that a customer with many old keys, or long
 * ones, only loses pairs of mistakes.
 */
const MOST_WORK = 16_000;
/** So many bytes of key and message take as long as a MAC does at least. */
const BYTES_A_MAC = 256;
const SLICE = 1_000;
/** So many keys, the likeliest, are tried with whatever may have gone wrong. */
const LIKELY_KEYS = 3;
/** And so many with mistakes of the firmware in the key itself. */
const SLIPPED_KEYS = 12;

/** What made a signature. */
export interface Match {
  readonly key: CandidateKey | undefined;
  /** What is to be said of the key, then of what was made of it, of the message, of the function and of the writing. */
  readonly findings: readonly Finding[];
  /** It proves a login as it is, whatever is to be said of its key. */
  readonly right: boolean;
}

export interface Search {
  readonly keys: readonly CandidateKey[];
  /** What is taken for a key where there is none. */
  readonly keyless: readonly KeySlip[];
  /** What the command line prints before a key. */
  readonly keyLabels: readonly string[];
  readonly messages: CandidateMessages;
  readonly signature: SentSignature;
}

interface Attempt {
  readonly mac: () => string;
  /** Of key and message. */
  readonly bytes: number;
  readonly key: CandidateKey | undefined;
  readonly slips: readonly Finding[];
}

/** Finds what made a signature; undefined when nothing that is known did. */
export async function searchSignature(search: Search): Promise<Match | undefined> {
  let work = 0;
  let slice = 0;
  for (const { mac, bytes, key, slips } of attempts(search)) {
    if (work >= MOST_WORK) return undefined;
    work += 1 + Math.floor(bytes / BYTES_A_MAC);
    const written = search.signature.recognise(mac());
    if (written !== undefined) {
      const findings = [...(key?.findings ?? []), ...slips, ...written];
      return { key, findings, right: key?.good === true && slips.length + written.length === 0 };
    }
    if (work - slice < SLICE) continue;
    slice = work;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return undefined;
}

/** A key and what was made of it, ready for HMAC. */
interface Signer {
  readonly key: CandidateKey | undefined;
  readonly bytes: Buffer;
  readonly secret: KeyObject;
  readonly slips: readonly Finding[];
}

/** Everything to try, the likeliest first. */
function* attempts({ keys, keyless, keyLabels, messages, signature }: Search): Generator<Attempt> {
  const all = keys.map((key) => signer(key, key.bytes));
  const likely = all.slice(0, LIKELY_KEYS);
  const rest = all.slice(LIKELY_KEYS);
  const { right, written, near, double } = messages;

  for (const one of all) yield hmac(one, right);
  for (const one of likely) for (const message of [...written, ...near]) yield hmac(one, message);
  for (const { bytes, finding: slip } of keyless) yield hmac(signer(undefined, bytes, slip), right);
  const slipped: Signer[] = [];
  for (const [place, key] of keys.slice(0, SLIPPED_KEYS).entries()) {
    const slips = keySlips(key.bytes, keyLabels).map((slip) => signer(key, slip.bytes, slip.finding));
    if (place < LIKELY_KEYS) slipped.push(...slips);
    for (const one of slips) yield hmac(one, right);
    for (const cut of keyCuts(key.bytes)) yield hmac(signer(key, cut.bytes, cut.finding), right);
  }
  for (const one of likely) yield* otherFunctions(one, [right, ...written], signature.otherHashes);
  for (const one of rest) for (const message of [...written, ...near]) yield hmac(one, message);
  for (const one of likely) for (const message of messages.far()) yield hmac(one, message);
  for (const one of likely) for (const message of double) yield hmac(one, message);
  for (const one of slipped) for (const message of written) yield hmac(one, message);
  for (const one of rest) for (const hash of signature.otherHashes) yield hmac(one, right, hash);
  for (const one of likely.slice(0, 1)) for (const message of messages.farther()) yield hmac(one, message);
}

function signer(key: CandidateKey | undefined, bytes: Buffer, ...slips: readonly Finding[]): Signer {
  return { key, bytes, secret: createSecretKey(bytes), slips };
}

function hmac({ key, bytes, secret, slips }: Signer, { text, findings }: SignedText, hash = "sha256"): Attempt {
  return {
    mac: () => createHmac(hash, secret).update(text).digest("hex"),
    bytes: bytes.length + text.length,
    key,
    slips: [...slips, ...findings, ...ofHash(hash)],
  };
}

const HASH_NAMES: Readonly<Record<string, string>> = {
  md5: "MD5",
  sha1: "SHA-1",
  sha224: "SHA-224",
  sha384: "SHA-384",
  sha512: "SHA-512",
  "sha512-256": "SHA-512-256",
  "sha3-256": "SHA3-256",
};

function ofHash(hash: string): readonly Finding[] {
  return hash === "sha256" ? [] : [finding("other_hash", HASH_NAMES[hash] ?? hash)];
}

/** Functions that are taken for HMAC-SHA256. */
function* otherFunctions(
  one: Signer,
  messages: readonly SignedText[],
  otherHashes: readonly string[],
): Generator<Attempt> {
  for (const hash of otherHashes) for (const message of messages) yield hmac(one, message, hash);
  for (const message of messages.slice(0, 2)) {
    for (const hash of ["sha256", ...otherHashes]) {
      const { key, bytes } = one;
      const attempt = (mac: () => string, slip: Finding): Attempt => ({
        mac,
        bytes: bytes.length + message.text.length,
        key,
        slips: [...message.findings, slip, ...ofHash(hash)],
      });
      const digest = (...parts: readonly (string | Buffer)[]): (() => string) => {
        return () => {
          const state = createHash(hash);
          for (const part of parts) state.update(part);
          return state.digest("hex");
        };
      };
      const { text } = message;
      yield attempt(
        () => createHmac(hash, createSecretKey(text, "utf8")).update(bytes).digest("hex"),
        finding("key_and_message_swapped"),
      );
      yield attempt(digest(bytes, text), finding("plain_hash", "a hash of the key and the message"));
      yield attempt(digest(text, bytes), finding("plain_hash", "a hash of the message and the key"));
      yield attempt(digest(text), finding("plain_hash", "a hash of the message without a key"));
    }
  }
}
