// A verifier whose issuer is away: which tokens it accepts, and how often it fetches.

import { expect, test } from "vitest";
import { newMint, tokenWith } from "./issuer.ts";
import { begin, mint, other } from "./scene.ts";

test("while the issuer is away cached keys are used and it is asked every 30 s", async () => {
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

test("cached keys expire after a day, or maxStaleMs", async () => {
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

test("a first fetch that fails is tried again every second, however many tokens come", async () => {
  const { issuer, outcome, pass, verifier } = await begin();
  issuer.answer((response) => void response.writeHead(503).end());
  for (let second = 0; second < 10; second += 1) {
    expect(await Promise.all([outcome(), outcome(other)])).toEqual(["unavailable", "unavailable"]);
    expect(issuer.requests).toHaveLength(second + 1);
    pass(1);
  }
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

test("made-up kids cost one fetch in 30 s", async () => {
  const { issuer, outcome, pass } = await begin();
  expect(await outcome()).toBe("sensor-1");
  for (let second = 0; second < 60; second += 1) {
    pass(1);
    expect(await outcome(newMint(`made-up-${second}`))).toBe("invalid");
  }
  expect(issuer.requests.length).toBeLessThanOrEqual(3);
});
