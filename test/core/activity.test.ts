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
  const written: ActivityUpdate[] = [];
  const moves: Move[] = [];
  /** The clock; and the store's writes, which fail while `fault` is set. */
  const state: { now: number; fault: Error | undefined } = { now: NOW, fault: undefined };
  const writingTo =
    <Row>(list: Row[]) =>
    async (rows: readonly Row[]) => {
      if (state.fault !== undefined) throw state.fault;
      list.push(...rows);
    };
  const activity = { record: writingTo(written), finishMoves: writingTo(moves) };
  const { watch, flush } = createActivityRecorder(activity, () => state.now);
  /** Logs in; the outcome is a key's id, or the reason of an error. */
  async function login(deviceKey: string, outcome: { keyId: string; movingSince?: number } | { reason: Reason }) {
    const logIn = watch(async (_request: LoginRequest): Promise<Login> => {
      if ("reason" in outcome) throw new AuthError(outcome.reason, "refused");
      return { ...LOGIN, ...outcome };
    });
    await logIn({ deviceKey, timestamp: 0n, deviceSignature: "" }, CALLER).catch(() => {});
  }
  return { login, flush, written, moves, state };
}

test("the last login and the last failure of a device are written once, together", async () => {
  const { login, flush, written, state } = openRecorder();
  await login("a", { keyId: "k1" });
  state.now++;
  await login("a", { keyId: "k2" });
  await login("a", { reason: "clock_skew" });
  state.now++;
  await login("a", { reason: "invalid_credentials" });
  await login("b", { reason: "rate_limited" });
  await flush();
  await flush();
  expect(written).toEqual([
    { deviceKey: "a", login: { at: NOW + 1, keyId: "k2" }, failure: { at: NOW + 2, reason: "invalid_credentials" } },
    { deviceKey: "b", login: undefined, failure: { at: NOW + 2, reason: "rate_limited" } },
  ]);
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
  const { login, flush, moves, state } = openRecorder();
  await login("a", { keyId: "own", movingSince: NOW });
  await login("a", { keyId: "shared" });
  await login("b", { keyId: "own" });
  state.fault = new Error("away");
  await expect(flush()).rejects.toThrow("away");
  state.fault = undefined;
  await flush();
  await flush();
  expect(moves).toEqual([{ deviceKey: "a", movingSince: NOW }]);
});

test("a failed write is repeated the next time, unless there is a newer event", async () => {
  const { login, flush, written, state } = openRecorder();
  await login("a", { keyId: "k1" });
  await login("b", { keyId: "k1" });
  await login("b", { reason: "disabled" });
  state.fault = new Error("away");
  await expect(flush()).rejects.toThrow("away");
  state.now++;
  await login("b", { keyId: "k2" });
  state.fault = undefined;
  await flush();
  const byName = new Map(written.map((update) => [update.deviceKey, update]));
  expect(byName.get("a")).toEqual({ deviceKey: "a", login: { at: NOW, keyId: "k1" }, failure: undefined });
  expect(byName.get("b")).toEqual({
    deviceKey: "b",
    login: { at: NOW + 1, keyId: "k2" },
    failure: { at: NOW, reason: "disabled" },
  });
  expect(written).toHaveLength(2);
});

test("strangers' names are recorded up to a bound, and do not displace known devices", async () => {
  const { login, flush, written } = openRecorder();
  await login("a", { reason: "disabled" });
  for (let name = 0; name < 25_000; name++) await login(`guess-${name}`, { reason: "clock_skew" });
  await login("a", { reason: "replayed" });
  for (const name of ["a", "b"]) await login(name, { keyId: "k1" });
  await flush();
  const byName = new Map(written.map((update) => [update.deviceKey, update]));
  expect(byName.size).toBe(20_001);
  expect(byName.get("a")).toMatchObject({ login: { keyId: "k1" }, failure: { reason: "replayed" } });
  expect(byName.get("b")).toMatchObject({ login: { keyId: "k1" }, failure: undefined });
});
