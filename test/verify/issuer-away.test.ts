// A verifier keeps answering while its issuer is away.

import { expect, test } from "vitest";
import type { VerifierOptions } from "../../src/verify/exports.ts";
import { measureAbsence } from "./absence.ts";
import { NOW, newMint, outcomeOf, startIssuer, tokenWith, verifierOf } from "./issuer.ts";

/** The key that is published, and another. */
const mint = newMint("key-1");
const other = newMint("key-2", "EdDSA");

/** A verifier and its issuer, with a clock that `pass` advances by seconds. `outcome` verifies a new token of a key. */
async function begin(options: Partial<VerifierOptions> = {}) {
  const issuer = await startIssuer(mint);
  const errors: unknown[] = [];
  let now = NOW;
  const onFetchError = (error: unknown): void => void errors.push(error);
  const verifier = verifierOf(issuer, mint, { now: () => now, onFetchError, ...options });
  const pass = (seconds: number): void => {
    now += seconds * 1000;
  };
  const outcome = (of = mint) => outcomeOf(verifier, tokenWith(of, { iat: now / 1000, exp: now / 1000 + 600 }));
  return { issuer, verifier, errors, pass, outcome };
}

test.each<[Partial<VerifierOptions>, number]>([
  [{}, 86_400],
  [{ maxStaleMs: 3_600_000 }, 3_600],
  [{ maxStaleMs: 0 }, 300],
  [{ maxStaleMs: Number.POSITIVE_INFINITY }, Number.POSITIVE_INFINITY],
])("with %o cached keys are used for %d seconds", async (options, seconds) => {
  const { issuer, outcome, pass } = await begin(options);
  expect(await outcome()).toBe("sensor-1");
  await issuer.stop();
  // The issuer may have published it since.
  pass(30);
  expect(await outcome(other)).toBe("unavailable");
  // A thousand days stand for infinity.
  pass(Math.min(seconds, 86_400_000) - 30);
  expect(await outcome()).toBe("sensor-1");
  pass(1);
  expect(await outcome()).toBe(Number.isFinite(seconds) ? "unavailable" : "sensor-1");
});

test("a first fetch that fails is tried again every second, however many tokens come", async () => {
  const { issuer, outcome, pass, verifier, errors } = await begin();
  issuer.answer((response) => void response.writeHead(503).end());
  for (let second = 0; second < 10; second += 1) {
    expect(await Promise.all([outcome(), outcome(other)])).toEqual(["unavailable", "unavailable"]);
    expect(issuer.requests).toHaveLength(second + 1);
    pass(1);
  }
  expect(errors).toHaveLength(10);
  pass(-0.5);
  await expect(verifier.verify(tokenWith(mint))).rejects.toMatchObject({
    reason: "unavailable",
    retryAfterMs: 500,
    message: expect.not.stringContaining(issuer.url),
    cause: expect.any(Error),
  });
  issuer.answer(undefined);
  pass(0.5);
  expect(await outcome()).toBe("sensor-1");
  pass(30);
  expect(await outcome(other)).toBe("invalid");
});

test.each([
  [200, "<html></html>"],
  [200, "{}"],
  [302, ""],
  [404, "{}"],
])("an answer of %d with %j leaves the cached keys unchanged", async (status, body) => {
  const { issuer, outcome, pass } = await begin();
  expect(await outcome()).toBe("sensor-1");
  issuer.answer((response) => void response.writeHead(status, { Location: "http://127.0.0.1:1/" }).end(body));
  pass(301);
  expect(await outcome()).toBe("sensor-1");
});

test("a rotated key is found at once, a revoked key is rejected after five minutes", async () => {
  const { issuer, outcome, pass } = await begin();
  expect(await outcome()).toBe("sensor-1");
  pass(30);
  issuer.publish(other);
  expect(await outcome(other)).toBe("sensor-1");
  expect(await outcome()).toBe("invalid");
});

// A short `npm run verifiers`: a minute with the issuer and a minute without it, on a simulated clock.
test("a verifier keeps answering without its issuer, and a flood causes one fetch in 30 s", async () => {
  let now = NOW;
  const tick = async (): Promise<void> => {
    now += 100;
  };
  const { there, away, newKeyAfterS } = await measureAbsence(60, () => now, tick);
  for (const phase of [there, away]) {
    expect(phase).toMatchObject({ refused: 0, accepted: 0 });
    expect(phase.fetches).toBeLessThanOrEqual(3);
  }
  expect(newKeyAfterS).toBeLessThanOrEqual(30);
});
