// What a verifier makes of the documents that its issuer answers with.

import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { newMint } from "./issuer.ts";
import { begin, mint, other } from "./scene.ts";
import { startIssuer } from "./start-issuer.ts";

const privateJwk = mint.privateKey.export({ format: "jwk" });
test.each<[string, string]>([
  ["no JSON", "<html>"],
  ["nothing", ""],
  ["no set", '{"key":[]}'],
  ["keys that are no list", '{"keys":{}}'],
  ["no keys", '{"keys":[]}'],
  ["keys twice", `{"keys":[],"keys":[${JSON.stringify(mint.publicJwk)}]}`],
  ["keys that are none", '{"keys":[null,1,"a",[],{}]}'],
  ["none that can be used", JSON.stringify({ keys: [{ ...mint.publicJwk, use: "enc" }] })],
  ["a key without kid", JSON.stringify({ keys: [{ ...mint.publicJwk, kid: undefined }] })],
  ["a secret", JSON.stringify({ keys: [{ kty: "oct", k: "AAAA", kid: "key-1", alg: "HS256" }] })],
  ["a point that is not on the curve", JSON.stringify({ keys: [{ ...mint.publicJwk, x: mint.publicJwk["y"] }] })],
  ["too much", `{"keys":[${JSON.stringify(mint.publicJwk)}],"x":"${"x".repeat(65_536)}"}`],
])("a document of %s never replaces a good one", async (_name, document) => {
  const { issuer, outcome, pass, errors } = await begin();
  expect(await outcome()).toBe("sensor-1");
  issuer.answer((response) => void response.writeHead(200).end(document));
  pass(300);
  expect(await outcome()).toBe("sensor-1");
  expect(errors.length).toBe(1);
});

test("keys that are for something else or of an unknown kind are passed over", async () => {
  const { issuer, outcome } = await begin();
  const [encrypting, anotherAlg, signing] = [newMint("encrypting"), newMint("another-alg"), newMint("signing")];
  const small = { ...newMint("small", "RS256"), ...generateKeyPairSync("rsa", { modulusLength: 1024 }) };
  const published = [
    { kty: "AKP", alg: "ML-DSA-44", pub: "AAAA", kid: "pq" },
    { kty: "EC", crv: "P-384", x: "AAAA", y: "AAAA", kid: "p384" },
    { ...encrypting.publicJwk, use: "enc" },
    { ...anotherAlg.publicJwk, alg: "ES384" },
    { ...signing.publicJwk, use: undefined, key_ops: ["sign"] },
    { ...small.publicKey.export({ format: "jwk" }), kid: "small" },
    { ...privateJwk, kid: "key-1" },
    { ...newMint("key-1").publicJwk },
    { ...other.publicJwk, alg: undefined, use: undefined, key_ops: ["verify"] },
  ];
  issuer.answer((response) => void response.writeHead(200).end(JSON.stringify({ keys: published })));
  // A private half is not looked at, and of two keys of one name the first counts.
  expect(await outcome()).toBe("sensor-1");
  expect(await outcome(other)).toBe("sensor-1");
  for (const mint of [encrypting, anotherAlg, signing, small]) expect(await outcome(mint)).toBe("invalid");
});

test("an answer from elsewhere, by redirection, is none", async () => {
  const elsewhere = await startIssuer(mint);
  const { issuer, outcome } = await begin();
  issuer.answer((response) => void response.writeHead(302, { Location: elsewhere.url }).end());
  expect(await outcome()).toBe("unavailable");
  expect(elsewhere.requests.length).toBe(0);
});
