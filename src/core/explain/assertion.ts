// Explains a client assertion: its form, its time, and the mistake in its signature.

import { createHmac, verify } from "node:crypto";
import { type Assertion, checkAssertionTime, LEAST_SECRET, readAssertion } from "../assertion.ts";
import { AuthError } from "../errors.ts";
import { algOf, OWN_KEY, openPublicKey } from "../public-key.ts";
import type { Device } from "../registry/ports.ts";
import { explainClock } from "./clock.ts";
import { type Finding, finding } from "./findings.ts";
import type { CandidateKey } from "./keys.ts";
import { wrongKeys } from "./mistakes.ts";

/** An assertion as it was sent, with its mistakes of form and time. */
export interface SentAssertion {
  readonly mistakes: readonly Finding[];
  readonly deviceKey: string | undefined;
  readonly parts: Pick<Assertion, "signed" | "signature"> & { readonly alg: string | undefined };
}

export interface AssertionReader {
  /** The names of this gateway that its aud may have. */
  readonly audiences: () => readonly string[];
  /** Allowed distance of a time from now, in milliseconds. */
  readonly skewMs: number;
}

/** The assertion of a body, a form or the JWT alone; undefined: it is another login. */
export function findAssertion(body: Uint8Array): string | undefined {
  const text = Buffer.from(body).toString("latin1").trim();
  const bare = /^[\w-]+\.[\w-]+\.[\w-]*$/.test(text);
  return bare ? text : (new URLSearchParams(text).get("client_assertion") ?? undefined);
}

/** Reads it at `at`, in unix milliseconds. */
export function readSentAssertion(text: string, at: number, { audiences, skewMs }: AssertionReader): SentAssertion {
  const [header = "", claims = "", signature = ""] = text.split(".");
  const [{ alg }, { sub, exp, iat }] = [looseJson(header), looseJson(claims)];
  const mistakes: Finding[] = [];
  try {
    checkAssertionTime(readAssertion(text, audiences()), at, skewMs);
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    const seconds = Number(iat ?? exp);
    const clock = error.reason === "clock_skew" ? explainClock(seconds, at, skewMs) : [];
    mistakes.push(...(clock.length === 0 ? [finding("assertion_form", error.message)] : clock));
  }
  return {
    mistakes,
    deviceKey: typeof sub === "string" ? sub : undefined,
    parts: {
      alg: typeof alg === "string" ? alg : undefined,
      signed: `${header}.${claims}`,
      signature: Buffer.from(signature, "base64url"),
    },
  };
}

function looseJson(part: string): Readonly<Record<string, unknown>> {
  try {
    return { ...JSON.parse(Buffer.from(part, "base64url").toString()) };
  } catch {
    return {};
  }
}

/** The key of an assertion; `isRight`: a login by it is proven. */
export interface AssertionProof {
  readonly isRight: boolean;
  /** The key that proves it. */
  readonly keyId: string;
  readonly findings: readonly Finding[];
}

/** Explains the signature. `keys` are the customer's, the good ones first. */
export function explainAssertionProof(
  { parts }: SentAssertion,
  device: Device,
  keys: readonly CandidateKey[],
): AssertionProof {
  if (parts.alg === "HS256") return explainMac(parts, device, keys);
  const wrong = (...findings: Finding[]): AssertionProof => ({ isRight: false, keyId: "", findings });
  if (device.publicKey === "") return wrong(finding("no_public_key"));
  const key = openPublicKey(device.publicKey);
  const alg = algOf(key);
  const sent = parts.alg === "Ed25519" ? "EdDSA" : parts.alg;
  if (alg === undefined || alg !== sent) return wrong(finding("other_alg", alg ?? "ES256"));
  const digest = alg === "ES256" ? "sha256" : null;
  const isSigned = (dsaEncoding: "ieee-p1363" | "der"): boolean =>
    verify(digest, Buffer.from(parts.signed), { key, dsaEncoding }, parts.signature);
  if (isSigned("ieee-p1363")) return { isRight: true, keyId: OWN_KEY, findings: [] };
  return wrong(finding(alg === "ES256" && isSigned("der") ? "signature_asn1" : "other_key_pair"));
}

function explainMac(
  { signed, signature }: SentAssertion["parts"],
  device: Device,
  keys: readonly CandidateKey[],
): AssertionProof {
  if (device.publicKey !== "") return { isRight: false, keyId: "", findings: [finding("own_key_pair")] };
  const isMadeWith = (key: Buffer | string): boolean =>
    createHmac("sha256", key).update(signed).digest().equals(signature);
  const key = keys.find(({ bytes }) => isMadeWith(bytes));
  if (key !== undefined) {
    const isShort = key.bytes.length < LEAST_SECRET;
    const findings = [...(isShort ? [finding("key_too_short", key.keyId, key.bytes.length)] : []), ...key.findings];
    return { isRight: key.good && !isShort, keyId: key.keyId, findings };
  }
  for (const { bytes } of keys.filter(({ good }) => good)) {
    const mistake = wrongKeys(bytes, device.deviceKey).find(([wrong]) => isMadeWith(wrong));
    if (mistake !== undefined) return { isRight: false, keyId: "", findings: [mistake[1]] };
  }
  return { isRight: false, keyId: "", findings: [finding("no_known_key")] };
}
