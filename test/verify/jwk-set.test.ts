// A JWK Set read into keys: whatever else is in it, a good key is found.

import fc from "fast-check";
import { expect, test } from "vitest";
import { TOKEN_ALGS } from "../../src/core/tokens/algorithms.ts";
import { type KeySet, readKeySet } from "../../src/verify/jwk-set.ts";
import { newMint } from "./issuer.ts";

const good = newMint("good");
const goods = TOKEN_ALGS.map((alg) => newMint(`good-${alg}`, alg));

const read = (keys: readonly unknown[]): Promise<KeySet> =>
  readKeySet(new TextEncoder().encode(JSON.stringify({ keys })));

/** Members that each object has from its prototype, and objects that are no text. */
const ODD: readonly unknown[] = [
  "constructor",
  "__proto__",
  "toString",
  "hasOwnProperty",
  { toString: null, valueOf: null },
  { toString: 1 },
  [[]],
  null,
  0,
];

test.each(ODD)("a key whose members are %j is passed over by itself", async (odd) => {
  for (const name of ["kty", "crv", "alg", "use", "key_ops", "kid", "x", "y"]) {
    // Some would be keys but for it; one is a key all the same, whose alg, use and key_ops may be absent.
    const entries = [
      { kid: "odd", [name]: odd },
      { ...good.publicJwk, kid: "other", [name]: odd },
    ];
    expect([name, (await read([...entries, good.publicJwk])).get("good")?.alg]).toEqual([name, "ES256"]);
  }
});

test("entries that are no keys for verifying are passed over by themselves", async () => {
  const { privateKey } = newMint("private");
  const entries = [
    ...[null, true, 7, "key", [], [good.publicJwk], {}, { keys: [good.publicJwk] }],
    { ...good.publicJwk, kid: 7 },
    { ...good.publicJwk, kid: ["good"] },
    { ...good.publicJwk, kid: undefined },
    { kty: "oct", k: "AAAA", kid: "good", alg: "HS256" },
    { kty: "oct", k: "AAAA", kid: "good", alg: "ES256" },
    { kty: "RSA", n: "AQAB", e: "AQAB", kid: "good" },
  ];
  const keys = await read([...entries, good.publicJwk, { ...newMint("good", "EdDSA").publicJwk }]);
  expect([...keys].map(([kid, { alg, key }]) => [kid, alg, key.type])).toEqual([["good", "ES256", "public"]]);
  // Of a private key only the public half is looked at.
  const published = await read([{ ...privateKey.export({ format: "jwk" }), kid: "private" }, good.publicJwk]);
  expect([...published].map(([kid, { key }]) => [kid, key.type])).toEqual([
    ["private", "public"],
    ["good", "public"],
  ]);
});

test("arrays in arrays are passed over, however deep", async () => {
  const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
  const entry = `{"kty":${deep},"crv":"P-256","kid":"deep"}`;
  const document = `{"keys":[${entry},${JSON.stringify(good.publicJwk)}]}`;
  expect([...(await readKeySet(new TextEncoder().encode(document))).keys()]).toEqual(["good"]);
});

test("good keys are found among any others", async () => {
  const value = fc.oneof(
    fc.constantFrom<unknown>(...ODD, "RSA", "EC", "OKP", "oct", "P-256", "Ed25519", "RS256", "ES256", "EdDSA", "sig"),
    fc.constantFrom<unknown>(["verify"], "AQAB", ...goods.flatMap(({ publicJwk }) => Object.values(publicJwk))),
    fc.jsonValue(),
  );
  const members = ["kty", "crv", "alg", "use", "key_ops", "n", "e", "x", "y", "d", "k", "ext"];
  const record = fc.record(Object.fromEntries(members.map((name) => [name, value])), { requiredKeys: [] });
  // Of two keys of one kid the first counts, so those here are of another or none.
  const kid = fc.oneof(fc.constant(undefined), fc.jsonValue(), fc.constantFrom("__proto__", "constructor"));
  const entry = fc.oneof(
    fc.jsonValue(),
    fc.tuple(record, kid).map(([jwk, name]) => ({ ...jwk, kid: name })),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(entry), fc.array(entry), async (before, after) => {
      const keys = await read([...before, ...goods.map(({ publicJwk }) => publicJwk), ...after]);
      expect(goods.map(({ kid: name }) => keys.get(name)?.alg)).toEqual(TOKEN_ALGS);
    }),
    { numRuns: 300 },
  );
});
