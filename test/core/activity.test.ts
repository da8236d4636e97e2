// The activity recorder: the logins that it collects, and when it writes them.

import { expect, test } from "vitest";
import { type ActivityUpdate, createActivityRecorder, type Move } from "../../src/core/activity.ts";
import { AuthError, type Reason } from "../../src/core/errors.ts";
import type { Login, LoginRequest } from "../../src/core/login.ts";

const NOW = 1_764_000_000_000;
const CALLER = { address: "192.0.2.1" };
const LOGIN: Login = {
  token: "t",
  expiresInSeconds: 600,
  customerId: "c",
  keyId: "k",
  movingSince: undefined,
  limit: undefined,
};

function openRecorder() {
  const written: (readonly ActivityUpdate[])[] = [];
  const moves: Move[] = [];
  const clock = { now: NOW };
  const store: { fault: Error | undefined } = { fault: undefined };
  const activity = {
    async record(updates: readonly ActivityUpdate[]) {
      if (store.fault !== undefined) throw store.fault;
      if (updates.length > 0) written.push(updates);
    },
    async finishMoves(finished: readonly Move[]) {
      if (store.fault !== undefined) throw store.fault;
      moves.push(...finished);
    },
  };
  const recorder = createActivityRecorder(activity, () => clock.now);
  return {
    /** Logs in; the outcome is a key's id, or the reason of an error. */
    async login(deviceKey: string, outcome: { keyId: string; movingSince?: number } | { reason: Reason }) {
      const logIn = recorder.watch(async (_request: LoginRequest): Promise<Login> => {
        if ("reason" in outcome) throw new AuthError(outcome.reason, "refused");
        return { ...LOGIN, ...outcome };
      });
      await logIn({ deviceKey, timestamp: 0n, deviceSignature: "" }, CALLER).catch(() => {});
    },
    flush: recorder.flush,
    written,
    moves,
    clock,
    /** The store, whose writes fail while `fault` is set. */
    store,
  };
}

test("the last login and the last failure of a device are written once, together", async () => {
  const { login, flush, written, clock } = openRecorder();
  await login("a", { keyId: "k1" });
  clock.now++;
  await login("a", { keyId: "k2" });
  await login("a", { reason: "clock_skew" });
  clock.now++;
  await login("a", { reason: "invalid_credentials" });
  await login("b", { reason: "rate_limited" });
  await flush();
  expect(written).toEqual([
    [
      { deviceKey: "a", login: { at: NOW + 1, keyId: "k2" }, failure: { at: NOW + 2, reason: "invalid_credentials" } },
      { deviceKey: "b", login: undefined, failure: { at: NOW + 2, reason: "rate_limited" } },
    ],
  ]);
  await flush();
  expect(written).toHaveLength(1);
});

test.for(["malformed", "unavailable", "internal"] as const)("%s is not recorded for a device", async (reason) => {
  const { login, flush, written } = openRecorder();
  await login("a", { reason });
  await flush();
  expect(written).toEqual([]);
});

test("a watched login's result and error are passed on", async () => {
  const { watch } = createActivityRecorder({ record: async () => {}, finishMoves: async () => {} }, () => NOW);
  const error = new AuthError("disabled", "no");
  const request = { deviceKey: "a", timestamp: 0n, deviceSignature: "" };
  await expect(watch(() => Promise.reject(error))(request, CALLER)).rejects.toBe(error);
  expect(await watch(async () => LOGIN)(request, CALLER)).toBe(LOGIN);
});

test("a login with its own key ends a device's move, even if a later login used the shared key", async () => {
  const { login, flush, moves, store } = openRecorder();
  await login("a", { keyId: "own", movingSince: NOW });
  await login("a", { keyId: "shared" });
  await login("b", { keyId: "own" });
  store.fault = new Error("away");
  await expect(flush()).rejects.toThrow("away");
  store.fault = undefined;
  await flush();
  await flush();
  expect(moves).toEqual([{ deviceKey: "a", movingSince: NOW }]);
});

test("a failed write is repeated the next time, unless there is a newer event", async () => {
  const { login, flush, written, store, clock } = openRecorder();
  await login("a", { keyId: "k1" });
  await login("b", { keyId: "k1" });
  await login("b", { reason: "disabled" });
  store.fault = new Error("away");
  await expect(flush()).rejects.toThrow("away");
  clock.now++;
  await login("b", { keyId: "k2" });
  store.fault = undefined;
  await flush();
  const byName = new Map(written.flat().map((update) => [update.deviceKey, update]));
  expect(byName.get("a")).toEqual({ deviceKey: "a", login: { at: NOW, keyId: "k1" }, failure: undefined });
  expect(byName.get("b")).toEqual({
    deviceKey: "b",
    login: { at: NOW + 1, keyId: "k2" },
    failure: { at: NOW, reason: "disabled" },
  });
  expect(written.flat()).toHaveLength(2);
});

test("strangers' names are recorded up to a bound, and do not displace known devices", async () => {
  const { login, flush, written } = openRecorder();
  await login("a", { reason: "disabled" });
  for (let name = 0; name < 25_000; name++) await login(`guess-${name}`, { reason: "clock_skew" });
  await login("a", { reason: "replayed" });
  for (const name of ["a", "b"]) await login(name, { keyId: "k1" });
  await flush();
  const byName = new Map(written.flat().map((update) => [update.deviceKey, update]));
  expect(byName.size).toBe(20_001);
  expect(byName.get("a")).toMatchObject({ login: { keyId: "k1" }, failure: { reason: "replayed" } });
  expect(byName.get("b")).toMatchObject({ login: { keyId: "k1" }, failure: undefined });
});
