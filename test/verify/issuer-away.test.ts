// A verifier whose issuer is away: the tokens that it accepts, and its fetches.

import { expect, test } from "vitest";
import type { VerifierOptions } from "../../src/verify/exports.ts";
import { measureAbsence } from "./absence.ts";
import { NOW, newMint, outcomeOf, startIssuer, tokenWith, verifierOf } from "./issuer.ts";

/** The key that is published, and another. */
const mint = newMint("key-1");
const other = newMint("key-2", "EdDSA");

/** A verifier and its issuer, with a clock that the test sets. */
async function begin(options: Partial<VerifierOptions> = {}) {
  const issuer = await startIssuer(mint);
  const errors: unknown[] = [];
  let now = NOW;
  const onFetchError = (error: unknown): void => void errors.push(error);
  const verifier = verifierOf(issuer, mint, { now: () => now, onFetchError, ...options });
  return {
    issuer,
    verifier,
    errors,
    /** Advances the time, in seconds. */
    pass(seconds: number): void {
      now += seconds * 1000;
    },
    /** Verifies a new token of this key. */
    outcome: (of = mint) => outcomeOf(verifier, tokenWith(of, { iat: now / 1000, exp: now / 1000 + 600 })),
  };
}

test("cached keys expire after maxStaleMs, by default a day", async () => {
  for (const [options, seconds] of [
    [{}, 86_400],
    [{ maxStaleMs: 3_600_000 }, 3_600],
    [{ maxStaleMs: 0 }, 300],
  ] as const) {
    const { issuer, outcome, pass } = await begin(options);
    expect(await outcome()).toBe("sensor-1");
    await issuer.stop();
    // The issuer may have published it since.
    pass(30);
    expect(await outcome(other)).toBe("unavailable");
    pass(seconds - 30);
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
});

test("a redirect, an error page or an answer that is not a JWK Set leaves the cached keys unchanged", async () => {
  const { issuer, outcome, pass } = await begin();
  expect(await outcome()).toBe("sensor-1");
  for (const [status, body] of [
    [200, "<html></html>"],
    [200, "{}"],
    [302, ""],
    [404, "{}"],
  ] as const) {
    issuer.answer((response) => void response.writeHead(status, { Location: "http://127.0.0.1:1/" }).end(body));
    pass(301);
    expect(await outcome()).toBe("sensor-1");
  }
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
  const { there, away, newKeyAfter } = await measureAbsence(60, {
    now: () => now,
    tick: async () => {
      now += 100;
    },
  });
  expect(there).toMatchObject({ good: 2_400, refused: 0, madeUp: 24_000, accepted: 0 });
  expect(away).toMatchObject({ good: 2_400, refused: 0, madeUp: 24_000, accepted: 0 });
  expect(there.fetches).toBeLessThanOrEqual(3);
  expect(away.fetches).toBeLessThanOrEqual(3);
  expect(newKeyAfter).toBeLessThanOrEqual(30);
});
