// The keys that a verifier keeps: when they are fetched, and what is good while they cannot be.

import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { createVerifier, type Verifier, type VerifierOptions, VerifyError } from "../../src/verify/exports.ts";
import { createKeyCache, type KeyCache } from "../../src/verify/key-cache.ts";
import type { Mint } from "../vectors/forge.ts";
import { type Issuer, NOW, newMint, tokenWith } from "./issuer.ts";
import { startIssuer } from "./start-issuer.ts";

const mint = newMint("key-1");
const other = newMint("key-2", "EdDSA");

interface Scene {
  readonly issuer: Issuer;
  readonly verifier: Verifier;
  readonly errors: readonly Error[];
  /** Moves the clock, by seconds. */
  pass(seconds: number): void;
  /** What a new token of this key comes to: a device_key, or why not. */
  outcome(of?: Mint): Promise<string>;
}

async function begin(options: Partial<VerifierOptions> = {}, ...mints: readonly Mint[]): Promise<Scene> {
  const issuer = await startIssuer(...(mints.length === 0 ? [mint] : mints));
  const errors: Error[] = [];
  let now = NOW;
  const verifier = createVerifier({
    issuer: mint.issuer,
    audience: mint.audience,
    jwksUrl: issuer.url,
    now: () => now,
    onFetchError: (error) => errors.push(error),
    ...options,
  });
  return {
    issuer,
    verifier,
    errors,
    pass(seconds) {
      now += seconds * 1000;
    },
    outcome: (of = mint) => {
      const token = tokenWith(of, { iat: now / 1000, exp: now / 1000 + 600 });
      return verifier.verify(token).then(
        ({ deviceKey }) => deviceKey,
        (error: unknown) => (error instanceof VerifyError ? error.reason : String(error)),
      );
    },
  };
}

/** Tokens are looked at until what that sets off behind them has come to so many fetches: one before may still be under way. */
async function settled({ issuer, outcome }: Scene, fetches: number): Promise<void> {
  await expect
    .poll(async () => [await outcome(), issuer.requests.length], { timeout: 5_000 })
    .toEqual(["sensor-1", fetches]);
}

test("keys are fetched at the first token, from the issuer's own address, once for all that come at once", async () => {
  const issuer = await startIssuer();
  const paths: string[] = [];
  const own = newMint("key-1", "ES256", `${issuer.url}/`);
  issuer.publish(own);
  const verifier = createVerifier({
    issuer: own.issuer,
    audience: own.audience,
    now: () => NOW,
    fetch: (input, init) => {
      paths.push(String(input));
      return fetch(input, init);
    },
  });
  expect(paths).toEqual([]);
  await Promise.all(Array.from({ length: 100 }, () => verifier.verify(tokenWith(own))));
  expect(paths).toEqual([`${issuer.url}/.well-known/jwks.json`]);
});

test("they are fetched anew before their time is over, behind the requests, and only if they have changed", async () => {
  const scene = await begin();
  const { issuer, pass } = scene;
  await settled(scene, 1);
  pass(239);
  await settled(scene, 1);
  pass(1);
  await settled(scene, 2);
  expect(issuer.requests[0]?.["if-none-match"]).toBeUndefined();
  expect(issuer.requests[1]?.["if-none-match"]).toBe('"key-1"');
  issuer.publish(mint, other);
  pass(240);
  await settled(scene, 3);
  expect(await scene.outcome(other)).toBe("sensor-1");
  expect(issuer.requests.length).toBe(3);
});

test("after a long rest they are looked at first: what was revoked meanwhile is good no more", async () => {
  const { issuer, outcome, pass } = await begin({}, mint, other);
  expect(await outcome(other)).toBe("sensor-1");
  issuer.publish(mint);
  pass(300);
  expect(await outcome(other)).toBe("invalid");
});

test.each([
  ["public, max-age=86400", undefined, 480],
  ["max-age=600", "300", 240],
  ["max-age=0", undefined, 30],
  ["no-store", undefined, 30],
  ["", undefined, 240],
  ["max-age=99999999999", undefined, 240],
])("an answer of Cache-Control %j and Age %j is kept for some time, within bounds", async (control, age, seconds) => {
  const scene = await begin();
  scene.issuer.answer((response) => {
    response.writeHead(200, { "Cache-Control": control, ...(age === undefined ? {} : { Age: age }) });
    response.end(JSON.stringify({ keys: [mint.publicJwk] }));
  });
  await settled(scene, 1);
  scene.pass(seconds - 1);
  await settled(scene, 1);
  scene.pass(1);
  await settled(scene, 2);
});

test("without the issuer its keys stay good, it is asked every 30 s, and on its return all is as it was", async () => {
  const { issuer, outcome, pass, errors } = await begin();
  expect(await outcome()).toBe("sensor-1");
  await issuer.stop();
  for (let seconds = 0; seconds < 3_600; seconds += 10) {
    pass(10);
    expect(await outcome()).toBe("sensor-1");
  }
  await expect.poll(() => errors.length).toBeGreaterThan(0);
  expect(errors.length).toBeLessThanOrEqual(120);
  expect(await outcome(other)).toBe("unavailable");
  await issuer.start();
  issuer.publish(mint, other);
  pass(30);
  expect(await outcome(other)).toBe("sensor-1");
});

test("keys of which nothing was heard for a day are good no more, or whatever was set", async () => {
  for (const [options, seconds] of [
    [{}, 86_400],
    [{ maxStaleMs: 3_600_000 }, 3_600],
    [{ maxStaleMs: 0 }, 300],
  ] as const) {
    const { issuer, outcome, pass } = await begin(options);
    expect(await outcome()).toBe("sensor-1");
    await issuer.stop();
    pass(seconds);
    expect(await outcome()).toBe("sensor-1");
    pass(1);
    expect(await outcome()).toBe("unavailable");
  }
  const { issuer, outcome, pass } = await begin({ maxStaleMs: Number.POSITIVE_INFINITY });
  expect(await outcome()).toBe("sensor-1");
  await issuer.stop();
  pass(1_000 * 86_400);
  expect(await outcome()).toBe("sensor-1");
});

test("a key that is new is found by one fetch for all that ask", async () => {
  const { issuer, outcome, pass } = await begin();
  expect(await outcome()).toBe("sensor-1");
  issuer.publish(mint, other);
  pass(30);
  const outcomes = await Promise.all(Array.from({ length: 100 }, () => outcome(other)));
  expect(new Set(outcomes)).toEqual(new Set(["sensor-1"]));
  expect(issuer.requests.length).toBe(2);
});

test("kids that are made up cause one fetch in 30 s, and so they do while fetches fail", async () => {
  const { issuer, outcome, pass, errors } = await begin();
  expect(await outcome()).toBe("sensor-1");
  const flood = (): Promise<string[]> =>
    Promise.all(Array.from({ length: 10 }, (_, at) => outcome({ ...mint, kid: `made-up-${at}` })));
  for (let second = 1; second <= 60; second += 1) {
    pass(1);
    expect(new Set(await flood())).toEqual(new Set(["invalid"]));
  }
  expect(issuer.requests.length).toBe(3);
  issuer.answer((response) => void response.writeHead(500).end());
  for (let second = 1; second <= 60; second += 1) {
    pass(1);
    await flood();
    expect(await outcome()).toBe("sensor-1");
  }
  expect(issuer.requests.length).toBe(5);
  expect(errors.map(({ message }) => message)).toEqual(Array(2).fill("the JWK Set was answered with status 500"));
});

test("a first fetch that fails is tried again after 1 s, 2 s, 4 s and so on, however many tokens come", async () => {
  const { issuer, outcome, pass, verifier } = await begin();
  issuer.answer((response) => void response.writeHead(503).end());
  const fetchedAt: number[] = [];
  for (let second = 0; second < 100; second += 1) {
    const before = issuer.requests.length;
    await Promise.all([outcome(), outcome(other)]);
    if (issuer.requests.length > before) fetchedAt.push(second);
    pass(1);
  }
  expect(fetchedAt).toEqual([0, 1, 3, 7, 15, 31, 61, 91]);
  await expect(verifier.verify(tokenWith(mint))).rejects.toMatchObject({
    reason: "unavailable",
    retryAfterMs: 21_000,
    message: expect.not.stringContaining(issuer.url),
    cause: expect.any(Error),
  });
  issuer.answer(undefined);
  pass(21);
  expect(await outcome()).toBe("sensor-1");
});

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

test("an issuer that never answers, or never ends to, is given up in time", async () => {
  const issuer = await startIssuer();
  const cache = (): KeyCache =>
    createKeyCache({ source: { url: issuer.url, fetch, timeoutMs: 30 }, now: () => NOW, maxStaleMs: 0 });
  issuer.answer(() => {});
  await expect(cache().find("key-1")).rejects.toMatchObject({ reason: "unavailable" });
  issuer.answer((response) => response.writeHead(200).write("{"));
  await expect(cache().find("key-1")).rejects.toMatchObject({ reason: "unavailable" });
});

test("a clock that is set back by a day stops nothing", async () => {
  const { issuer, outcome, pass } = await begin({ maxStaleMs: Number.POSITIVE_INFINITY });
  expect(await outcome()).toBe("sensor-1");
  pass(-86_400);
  issuer.publish(other);
  expect(await outcome(other)).toBe("sensor-1");
  expect(await outcome()).toBe("invalid");
});
