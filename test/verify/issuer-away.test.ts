// A verifier whose issuer is away: what is good meanwhile, and how often it is asked.

import { expect, test } from "vitest";
import { createKeyCache, type KeyCache } from "../../src/verify/key-cache.ts";
import { tokenWith } from "./issuer.ts";
import { begin, mint, other } from "./scene.ts";
import { startIssuer } from "./start-issuer.ts";

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

test("an issuer that never answers, or never ends to, is given up in time", async () => {
  const issuer = await startIssuer();
  const cache = (): KeyCache =>
    createKeyCache({
      source: { url: issuer.url, fetch, timeoutMs: 30 },
      now: () => 0,
      monotonicNow: () => 0,
      maxStaleMs: 0,
    });
  issuer.answer(() => {});
  await expect(cache().find("key-1")).rejects.toMatchObject({ reason: "unavailable" });
  issuer.answer((response) => response.writeHead(200).write("{"));
  await expect(cache().find("key-1")).rejects.toMatchObject({ reason: "unavailable" });
});

test("keys are as old as the time that went by, whatever the clock is set to meanwhile", async () => {
  const { issuer, outcome, setClock, pass } = await begin();
  expect(await outcome()).toBe("sensor-1");
  await issuer.stop();
  setClock(365 * 86_400);
  expect(await outcome()).toBe("sensor-1");
  setClock(-730 * 86_400);
  pass(86_400);
  expect(await outcome()).toBe("sensor-1");
  pass(1);
  expect(await outcome()).toBe("unavailable");
});
