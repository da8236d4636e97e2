// Explaining client assertions: mistakes in header, claims, time and signature.

import { sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { assertionClaims, byHmac, byKey, makeAssertion, makeBoardKey, type SignParts } from "../assertions.ts";
import { boardKey, DERIVED, explain, hmac, SECONDS, SECRETS, SHARED, tellsThat } from "./desk.ts";

const OWN = makeBoardKey("ES256");
const own = { device: { publicKey: OWN.pem.replace(/-----[A-Z ]+-----|\s/g, "") } };
const rightly = byHmac(SECRETS.login);

function formOf(signParts: SignParts, claims: object = {}, header: object = { alg: "HS256" }): string {
  const client_assertion = makeAssertion(signParts, assertionClaims(SHARED, SECONDS, claims), header);
  return String(new URLSearchParams({ grant_type: "client_credentials", client_assertion }));
}

describe("a right assertion", () => {
  test.for([
    ["in a form", { body: formOf(rightly) }, "nothing_wrong"],
    ["alone", { body: makeAssertion(rightly, assertionClaims(SHARED, SECONDS)) }, "nothing_wrong"],
    ["by a key pair", { body: formOf(byKey("ES256", OWN.privateKey), {}, { alg: "ES256" }), ...own }, "nothing_wrong"],
  ] as const)("%s has nothing wrong", async ([, received, code]) => {
    const { wouldSucceed, findings } = await explain(received);
    expect([wouldSucceed, findings.map((one) => one.code)]).toEqual([true, [code]]);
    expect(findings.at(0)?.message).toContain("or its jti was used before");
  });

  test("works with a board's derived key", async () => {
    const body = makeAssertion(byHmac(boardKey(DERIVED)), assertionClaims(DERIVED, SECONDS));
    expect((await explain({ deviceKey: DERIVED, body })).wouldSucceed).toBe(true);
  });
});

tellsThat([
  {
    mistake: "another audience, the signature right",
    body: formOf(rightly, { aud: "https://other.example" }),
    codes: ["malformed", "signature_right"],
  },
  {
    mistake: "no jti",
    body: formOf(rightly, { jti: undefined }),
    codes: ["malformed", "signature_right"],
  },
  {
    mistake: "a life of an hour",
    body: formOf(rightly, { exp: SECONDS + 3_600 }),
    codes: ["malformed", "signature_right"],
  },
  {
    mistake: "a time that no number is made of",
    body: formOf(rightly, { iat: { toString: 1 } }),
    codes: ["malformed", "signature_right"],
  },
  {
    mistake: "a clock in 1970",
    body: formOf(rightly, { iat: 0, exp: 60 }),
    codes: ["clock_never_set", "signature_right"],
  },
  {
    mistake: "a clock that is behind",
    body: formOf(rightly, { iat: SECONDS - 500, exp: SECONDS - 440 }),
    codes: ["clock_behind", "signature_right"],
  },
  {
    mistake: "another device",
    body: makeAssertion(rightly, assertionClaims("other", SECONDS)),
    codes: ["other_device_key"],
  },
  { mistake: "no JWT at all", body: "client_assertion=x", codes: ["malformed", "no_public_key"] },
  {
    mistake: "no signature",
    body: formOf(() => Buffer.alloc(0), {}, { alg: "none" }),
    codes: ["malformed", "no_public_key"],
  },
  { mistake: "a retired key", body: formOf(byHmac(SECRETS.retired)), codes: ["key_too_short", "retired_key"] },
  { mistake: "a short key", body: formOf(byHmac(SECRETS.older)), codes: ["key_too_short", "older_key"] },
  {
    mistake: "the key decoded from hex",
    body: formOf(byHmac(Buffer.from(SECRETS.login, "hex"))),
    codes: ["key_decoded"],
  },
  { mistake: "the key with its line break", body: formOf(byHmac(`${SECRETS.login}\n`)), codes: ["key_line_break"] },
  { mistake: "an unknown key", body: formOf(byHmac("x")), codes: ["no_known_key"] },
  {
    mistake: "a key pair that is not enrolled",
    body: formOf(byKey("ES256", OWN.privateKey), {}, { alg: "ES256" }),
    codes: ["no_public_key"],
  },
  { mistake: "the customer's key of a device with its own", body: formOf(rightly), codes: ["own_key_pair"], ...own },
  {
    mistake: "a signed login of a device with its own key pair",
    body: JSON.stringify({
      device_key: SHARED,
      timestamp: SECONDS,
      device_signature: hmac(SECRETS.login, `${SECONDS}${SHARED}`).toString("hex"),
    }),
    codes: ["own_key_pair"],
    ...own,
  },
  {
    mistake: "another algorithm than the key pair's",
    body: formOf(byKey("EdDSA", makeBoardKey("EdDSA").privateKey), {}, { alg: "Ed25519" }),
    codes: ["other_alg"],
    ...own,
  },
  {
    mistake: "another key pair",
    body: formOf(byKey("ES256", makeBoardKey("ES256").privateKey), {}, { alg: "ES256" }),
    codes: ["other_key_pair"],
    ...own,
  },
  {
    mistake: "a signature as OpenSSL writes it",
    body: formOf((text) => sign("sha256", Buffer.from(text), OWN.privateKey), {}, { alg: "ES256" }),
    codes: ["signature_asn1"],
    ...own,
  },
]);
