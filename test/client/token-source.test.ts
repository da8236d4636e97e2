// A token source at a real gateway: logins, renewals, retries.

import { inspect } from "node:util";
import { status } from "@grpc/grpc-js";
import fc from "fast-check";
import { afterAll, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { type AuthClient, createAuthClient } from "../../src/client/auth-client.ts";
import { createLoginSigner } from "../../src/client/login-signer.ts";
import { RpcError } from "../../src/client/rpc-error.ts";
import {
  createTokenSource,
  pauseAfter,
  renewedAfter,
  type TokenSourceOptions,
  usableFor,
} from "../../src/client/token-source.ts";
import { CUSTOMER_KEY, startFileGateway } from "../gateway.ts";

const SECOND = 1000;
/** The clock of all tests; each test advances it. */
let time = 1_764_000_000_000;
const gateway = await startFileGateway({ LOGIN_LIMIT: "3/60s" }, { now: () => time });
const client = createAuthClient({ url: gateway.internalUrl });
afterAll(() => client.close());

beforeEach(() => {
  time += 3600 * SECOND;
});

/** `outcomes` has a token or the reason of an error for each login. `settled` resolves when the running login has ended. */
async function startSource(options: Partial<TokenSourceOptions> = {}) {
  const { deviceKey = await gateway.enrol() } = options;
  const outcomes: string[] = [];
  let last: Promise<unknown> = Promise.resolve();
  const login: AuthClient["login"] = (request, options) => {
    const call = client.login(request, options);
    last = call.then(
      ({ token }) => outcomes.push(token),
      (error) => outcomes.push(error.reason),
    );
    return call;
  };
  const identity = { deviceKey, customerKey: CUSTOMER_KEY };
  const source = createTokenSource({ ...identity, client: { login }, now: () => time, random: () => 0, ...options });
  onTestFinished(() => source.close());
  return { source, deviceKey, outcomes, settled: async () => last };
}

/** A login that fails with these errors before it succeeds. */
function loginAfter(...errors: readonly RpcError[]) {
  const login = vi.fn<AuthClient["login"]>(async () => ({ token: "a-token", expires_in: 600 }));
  for (const error of errors) login.mockRejectedValueOnce(error);
  return login;
}

/** Uses up a device's login limit, with proofs of earlier seconds. */
async function spend(deviceKey: string, logins: number): Promise<void> {
  const signer = createLoginSigner({ deviceKey, customerKey: CUSTOMER_KEY, now: () => time - 100 * SECOND });
  for (let spent = 0; spent < logins; spent++) await client.login(signer.sign());
}

test("a hundred concurrent callers share one login", async () => {
  const { source, outcomes } = await startSource();
  const tokens = await Promise.all(Array.from({ length: 100 }, () => source.token()));
  expect(outcomes).toEqual([expect.stringMatching(/^eyJ/)]);
  expect(new Set(tokens)).toEqual(new Set(outcomes));
  expect(await source.headers()).toEqual({ "x-access-token": outcomes[0] });
});

test("a token is renewed before it expires, while callers get the present one", async () => {
  const { source, outcomes, settled } = await startSource();
  const first = await source.token();
  time += 479 * SECOND;
  expect(await source.token()).toBe(first);
  expect(outcomes).toHaveLength(1);

  time += 1 * SECOND;
  expect(await Promise.all(Array.from({ length: 100 }, () => source.token()))).toEqual(Array(100).fill(first));
  await settled();
  expect(outcomes).toHaveLength(2);
  expect(await source.token()).toBe(outcomes[1]);
  expect(outcomes[1]).not.toBe(first);
});

test.each([-3600, 3600])("a clock that is off by %d s is corrected, once", async (seconds) => {
  const { source, outcomes, settled } = await startSource({ now: () => time + seconds * SECOND });
  const first = await source.token();
  expect(outcomes).toEqual(["clock_skew", first]);
  time += 500 * SECOND;
  await source.token();
  await settled();
  expect(outcomes).toEqual(["clock_skew", first, expect.stringMatching(/^eyJ/)]);
});

test("only a clock_skew error corrects the clock", async () => {
  const details = { serverTime: time / SECOND + 3600 };
  const replayed = new RpcError(status.UNAUTHENTICATED, "replayed", "replayed", details);
  const login = loginAfter(replayed, new RpcError(status.UNAVAILABLE, "lost", undefined, details));
  const { source } = await startSource({ client: { login } });
  expect(await source.token()).toBe("a-token");
  expect(login.mock.calls.map(([{ timestamp }]) => timestamp)).toEqual([0, 1, 2].map((later) => time / SECOND + later));
});

test("a login is repeated once after a lost connection", async () => {
  const lost = new RpcError(status.UNAVAILABLE, "lost");
  const { source } = await startSource({ client: { login: loginAfter(lost, lost) } });
  await expect(source.token()).rejects.toBe(lost);
});

test("waits as long as the gateway says before the next login", async () => {
  const { source, deviceKey, outcomes } = await startSource();
  await spend(deviceKey, 3);
  await expect(source.token()).rejects.toMatchObject({ reason: "rate_limited" });
  time += 20 * SECOND;
  await expect(source.token()).rejects.toMatchObject({ reason: "rate_limited", details: { policy: "login" } });
  expect(outcomes).toEqual(["rate_limited"]);
  time += 46 * SECOND;
  expect(await source.token()).toMatch(/^eyJ/);
});

test("a failed renewal is reported once, and callers still get the present token", async () => {
  const onRefreshError = vi.fn();
  const { source, deviceKey, outcomes, settled } = await startSource({ onRefreshError });
  const first = await source.token();
  time += 540 * SECOND;
  await spend(deviceKey, 3);
  for (let asked = 0; asked < 3; asked++) {
    expect(await source.token()).toBe(first);
    await settled();
  }
  expect(outcomes).toEqual([first, "rate_limited"]);
  expect(onRefreshError.mock.calls).toEqual([[expect.objectContaining({ reason: "rate_limited" })]]);
  time += 56 * SECOND;
  await expect(source.token()).rejects.toMatchObject({ reason: "rate_limited" });
  expect(outcomes).toHaveLength(2);
});

test("a wrong key is retried after growing waits", async () => {
  const { source, outcomes } = await startSource({ customerKey: "another-key-0123456789" });
  for (const wait of [1, 2, 4]) {
    await expect(source.token()).rejects.toMatchObject({ reason: "invalid_credentials" });
    time += wait * SECOND - 1;
    await expect(source.token()).rejects.toMatchObject({ reason: "invalid_credentials" });
    time += 1;
  }
  expect(outcomes).toEqual(Array(3).fill("invalid_credentials"));
});

test("an invalidated token is replaced once it is ten seconds old", async () => {
  const { source, outcomes } = await startSource();
  const first = await source.token();
  source.invalidate("another token");
  time += 10 * SECOND;
  expect(await source.token()).toBe(first);
  source.invalidate(first);
  const second = await source.token();
  expect(second).not.toBe(first);

  source.invalidate(first);
  source.invalidate(second);
  time += 9 * SECOND;
  expect(await source.token()).toBe(second);
  time += 1 * SECOND;
  expect(await source.token()).toBe(outcomes[2]);
});

test("an invalidated token is still returned while no login succeeds", async () => {
  const { source, deviceKey, outcomes } = await startSource();
  const first = await source.token();
  time += 60 * SECOND;
  await spend(deviceKey, 3);
  source.invalidate(first);
  expect([await source.token(), await source.token()]).toEqual([first, first]);
  expect(outcomes).toEqual([first, "rate_limited"]);
});

test("a source shows no key, and leaves a client passed to it open", async () => {
  const { source, deviceKey } = await startSource();
  await source.token();
  expect(inspect(source, { depth: 9, showHidden: true })).not.toContain(CUSTOMER_KEY);
  source.close();
  await expect(source.token()).rejects.toThrow("this token source is closed");
  const again = await startSource({ deviceKey });
  expect(await again.source.token()).toMatch(/^eyJ/);
});

test.each([0, 0.41, Number.NaN])("refreshAhead cannot be %d", async (refreshAhead) => {
  await expect(startSource({ deviceKey: "device-1", refreshAhead })).rejects.toThrow("refreshAhead is above 0");
});

const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const life = fc.integer({ min: 1, max: 86_400 }).map((seconds) => seconds * 1000);
const share = fc.double({ min: 0.01, max: 0.4, noNaN: true });

test("a renewal comes when one to two times refreshAhead of the token's life is left", () => {
  fc.assert(
    fc.property(life, share, fraction, (lifeMs, ahead, random) => {
      const left = lifeMs - renewedAfter(lifeMs, ahead, random);
      expect(left).toBeGreaterThanOrEqual(lifeMs * ahead * 0.999);
      expect(left).toBeLessThanOrEqual(lifeMs * ahead * 2.001);
    }),
  );
  expect([renewedAfter(600_000, 0.2, 0), renewedAfter(600_000, 0.2, 0.5)]).toEqual([480_000, 420_000]);
});

test("does not use a token's last 5 s, or last tenth if that is shorter", () => {
  expect([600_000, 50_000, 10_000, 1_000].map(usableFor)).toEqual([595_000, 45_000, 9_000, 900]);
});

test("a wait is at least retry_after; without retry_after it is at most a minute", () => {
  const failed = fc.integer({ min: 1, max: 10_000 });
  fc.assert(
    fc.property(failed, fc.nat({ max: 3_600_000 }), fraction, (failures, asked, random) => {
      const pause = pauseAfter(failures, asked, random);
      expect(pause).toBeGreaterThanOrEqual(Math.max(asked, 500));
      expect(pause).toBeLessThanOrEqual(Math.max(asked * 1.1, 60_000));
    }),
  );
  const waits = [1, 2, 3, 6, 7, 99].map((failures) => pauseAfter(failures, 0, 0));
  expect(waits).toEqual([1_000, 2_000, 4_000, 32_000, 60_000, 60_000]);
});
