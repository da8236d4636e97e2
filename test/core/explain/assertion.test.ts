// Explaining client assertions: mistakes in header, claims, time and signature.

import { sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { assertionClaims, byHmac, byKey, makeAssertion, makeBoardKey, type SignParts } from "../assertions.ts";
import {
  boardKey,
  DERIVED,
  explain,
  RIGHT,
  SECONDS,
  SECRETS,
  SHARED,
  signed,
  type Told,
  tellsThat,
  told,
} from "./desk.ts";

const OWN = makeBoardKey("ES256");
const own = { device: { publicKey: OWN.pem.replace(/-----[A-Z ]+-----|\s/g, "") } };
const byOwn = byKey("ES256", OWN.privateKey);
const rightly = byHmac(SECRETS.login);

function formOf(signParts: SignParts, claims: object = {}, header: object = { alg: "HS256" }): string {
  const client_assertion = makeAssertion(signParts, assertionClaims(SHARED, SECONDS, claims), header);
  return String(new URLSearchParams({ grant_type: "client_credentials", client_assertion }));
}

describe("a right assertion", () => {
  test.for([
    ["in a form", { body: formOf(rightly) }],
    ["alone", { body: makeAssertion(rightly, assertionClaims(SHARED, SECONDS)) }],
    ["by a key pair", { body: formOf(byOwn, {}, { alg: "ES256" }), ...own }],
  ] as const)("%s has nothing wrong", async ([, received]) => {
    const { wouldSucceed, findings } = await explain(received);
    expect([wouldSucceed, findings.map((one) => one.code)]).toEqual([true, ["nothing_wrong"]]);
    expect(findings.at(0)?.message).toContain("or its jti was used before");
  });

  test("works with a board's derived key", async () => {
    const body = makeAssertion(byHmac(boardKey(DERIVED)), assertionClaims(DERIVED, SECONDS));
    expect((await explain({ deviceKey: DERIVED, body })).wouldSucceed).toBe(true);
  });
});

/** A mistake of a device with its own key pair. */
const ownTold = (mistake: string, body: string, code: string): Told => ({ ...told(mistake, body, code), ...own });
const strange = (alg: "ES256" | "EdDSA") => byKey(alg, makeBoardKey(alg).privateKey);
const asn1: SignParts = (text) => sign("sha256", Buffer.from(text), OWN.privateKey);

tellsThat([
  told("another audience", formOf(rightly, { aud: "https://other.example" }), "malformed", "signature_right"),
  told("no jti", formOf(rightly, { jti: undefined }), "malformed", "signature_right"),
  told("a life of an hour", formOf(rightly, { exp: SECONDS + 3_600 }), "malformed", "signature_right"),
  told("a time that no number is made of", formOf(rightly, { iat: { toString: 1 } }), "malformed", "signature_right"),
  told("a clock in 1970", formOf(rightly, { iat: 0, exp: 60 }), "clock_never_set", "signature_right"),
  told(
    "a clock that is behind",
    formOf(rightly, { iat: SECONDS - 500, exp: SECONDS - 440 }),
    "clock_behind",
    "signature_right",
  ),
  told("another device", makeAssertion(rightly, assertionClaims("other", SECONDS)), "other_device_key"),
  told("no JWT at all", "client_assertion=x", "malformed", "no_public_key"),
  told(
    "no signature",
    formOf(() => Buffer.alloc(0), {}, { alg: "none" }),
    "malformed",
    "no_public_key",
  ),
  told("a retired key", formOf(byHmac(SECRETS.retired)), "key_too_short", "retired_key"),
  told("a short key", formOf(byHmac(SECRETS.older)), "key_too_short", "older_key"),
  told("the key decoded from hex", formOf(byHmac(Buffer.from(SECRETS.login, "hex"))), "key_decoded"),
  told("the key with its line break", formOf(byHmac(`${SECRETS.login}\n`)), "key_line_break"),
  told("an unknown key", formOf(byHmac("x")), "no_known_key"),
  told("a key pair that is not enrolled", formOf(byOwn, {}, { alg: "ES256" }), "no_public_key"),
  ownTold("the customer's key of a device with its own", formOf(rightly), "own_key_pair"),
  ownTold("a signed login of a device with its own key pair", signed(RIGHT), "own_key_pair"),
  ownTold("another algorithm than the key pair's", formOf(strange("EdDSA"), {}, { alg: "Ed25519" }), "other_alg"),
  ownTold("another key pair", formOf(strange("ES256"), {}, { alg: "ES256" }), "other_key_pair"),
  ownTold("a signature as OpenSSL writes it", formOf(asn1, {}, { alg: "ES256" }), "signature_asn1"),
]);
