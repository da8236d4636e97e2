// Explains a client assertion: its form, time and signature.

import { createHmac, verify } from "node:crypto";
import {
  type Assertion,
  algOf,
  checkAssertionTime,
  LEAST_SECRET,
  OWN_KEY,
  openPublicKey,
  readAssertion,
} from "../assertion.ts";
import { AuthError } from "../errors.ts";
import type { Device } from "../registry/ports.ts";
import { explainClock, type Finding, finding, OWN_KEY_PAIR, type Proof } from "./findings.ts";
import { type CandidateKey, wrongKeys } from "./signature.ts";

/** An assertion as it was sent, with its mistakes of form and time. */
export interface SentAssertion extends Pick<Assertion, "signed" | "signature"> {
  readonly mistakes: readonly Finding[];
  readonly deviceKey: string | undefined;
  readonly alg: unknown;
}

export interface AssertionReader {
  /** The values of `aud` that name this gateway. */
  readonly audiences: () => readonly string[];
  /** Allowed distance of a time from now, in milliseconds. */
  readonly skewMs: number;
}

/** The assertion in a body, which is a form or the JWT alone; undefined for another kind of login. */
export function findAssertion(body: Uint8Array): string | undefined {
  const text = Buffer.from(body).toString("latin1").trim();
  const bare = /^[\w-]+\.[\w-]+\.[\w-]*$/.test(text);
  return bare ? text : (new URLSearchParams(text).get("client_assertion") ?? undefined);
}

/** Reads an assertion that was received at `at`, in Unix milliseconds. */
export function readSentAssertion(text: string, at: number, { audiences, skewMs }: AssertionReader): SentAssertion {
  const [header = "", claims = "", signature = ""] = text.split(".");
  const [{ alg }, { sub, exp, iat, nbf }] = [looseJson(header), looseJson(claims)];
  const mistakes: Finding[] = [];
  try {
    checkAssertionTime(readAssertion(text, audiences()), at, skewMs);
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    // The times are numbers here: `clock_skew` needs a well-formed assertion.
    const isAhead = (time: unknown): boolean => Number(time) * 1_000 - at > skewMs;
    const wrongTime = (): number => Number([iat, nbf].find(isAhead) ?? iat ?? exp);
    const clock = error.reason === "clock_skew" ? explainClock(wrongTime(), at, skewMs) : [];
    mistakes.push(...(clock.length === 0 ? [finding("malformed", error.message)] : clock));
  }
  return {
    mistakes,
    deviceKey: typeof sub === "string" ? sub : undefined,
    alg,
    signed: `${header}.${claims}`,
    signature: Buffer.from(signature, "base64url"),
  };
}

function looseJson(part: string): Readonly<Record<string, unknown>> {
  try {
    return { ...JSON.parse(Buffer.from(part, "base64url").toString()) };
  } catch {
    return {};
  }
}

/** Explains the signature. `keys` are the customer's, the valid ones first. */
export function explainAssertion(sent: SentAssertion, device: Device, keys: readonly CandidateKey[]): Proof {
  const proof = sent.alg === "HS256" ? explainMac(sent, device, keys) : explainKeyPair(sent, device);
  return { ...proof, usedUp: " or its jti was used before" };
}

function explainKeyPair({ alg: sent, signed, signature }: SentAssertion, { publicKey }: Device): Proof {
  const wrong = (code: string, message: string): Proof => ({ findings: [finding(code, message)] });
  if (publicKey === "") {
    const cure = "Enrol that of its key pair or sign by HS256 with the customer key";
    return wrong("no_public_key", `The device has no public key. ${cure}`);
  }
  const key = openPublicKey(publicKey);
  const alg = algOf(key);
  if (alg === undefined || alg !== (sent === "Ed25519" ? "EdDSA" : sent)) {
    return wrong("other_alg", `The device's key pair is of another kind. Sign by ${alg ?? "ES256"}`);
  }
  const digest = alg === "ES256" ? "sha256" : null;
  const isSigned = (dsaEncoding: "ieee-p1363" | "der"): boolean =>
    verify(digest, Buffer.from(signed), { key, dsaEncoding }, signature);
  if (isSigned("ieee-p1363")) return { keyId: OWN_KEY, findings: [] };
  if (alg === "ES256" && isSigned("der")) {
    const cure = "Send R and S with 32 bytes each side by side";
    return wrong("signature_asn1", `The signature is in ASN.1. ${cure}`);
  }
  const what = "The signature is from another key pair or over another text";
  return wrong("other_key_pair", `${what}. Enrol its public key`);
}

function explainMac({ signed, signature }: SentAssertion, device: Device, keys: readonly CandidateKey[]): Proof {
  if (device.publicKey !== "") return { findings: [OWN_KEY_PAIR] };
  const isMadeWith = (key: Buffer | string): boolean =>
    createHmac("sha256", key).update(signed).digest().equals(signature);
  const key = keys.find(({ bytes }) => isMadeWith(bytes));
  if (key !== undefined) {
    const { keyId, bytes, isValid, findings } = key;
    if (bytes.length >= LEAST_SECRET) return isValid ? { keyId, findings } : { findings };
    const message = `Key ${keyId} has ${bytes.length} bytes. HS256 takes 32 or more. Issue another key`;
    return { findings: [finding("key_too_short", message), ...findings] };
  }
  for (const { bytes } of keys.filter(({ isValid }) => isValid)) {
    const mistake = wrongKeys(bytes, device.deviceKey).find(([wrong]) => isMadeWith(wrong));
    if (mistake !== undefined) return { findings: [mistake[1]] };
  }
  const message = "No key of the customer gives this signature. Sign the first two parts as they are sent";
  return { findings: [finding("no_known_key", message)] };
}
