// The activity recorder: collects logins, and writes them later.

import { expect, test } from "vitest";
import { type ActivityUpdate, createActivityRecorder, type Move } from "../../src/core/activity.ts";
import { AuthError, type Reason } from "../../src/core/errors.ts";
import type { Login } from "../../src/core/login.ts";

const NOW = 1_764_000_000_000;
const LOGIN = { token: "t", expiresInSeconds: 600, customerId: "c", movingSince: undefined, limit: undefined };

function openRecorder() {
  const written: ActivityUpdate[] = [];
  const moves: Move[] = [];
  /** The clock; and the store's writes, which fail while `fault` is set. */
  const state: { now: number; fault: Error | undefined } = { now: NOW, fault: undefined };
  const writingTo =
    <Row>(list: Row[]) =>
    async (rows: readonly Row[]) => {
      await new Promise(setImmediate);
      if (state.fault !== undefined) throw state.fault;
      list.push(...rows);
    };
  const activity = { record: writingTo(written), finishMoves: writingTo(moves) };
  const { watch, flush } = createActivityRecorder(activity, () => state.now);
  return Object.assign(state, {
    flush,
    written,
    moves,
    /** Logs in by a key, or with an error. */
    async login(deviceKey: string, outcome: { keyId: string; movingSince?: number } | Reason) {
      const logIn = watch(async (): Promise<Login> => {
        if (typeof outcome === "string") throw new AuthError(outcome, "refused");
        return { ...LOGIN, ...outcome };
      });
      const request = { deviceKey, timestamp: 0n, deviceSignature: "" };
      await logIn(request, { address: "192.0.2.1" }).catch(() => {});
    },
  });
}

test("the last login and the last failure of a device are written once, together", async () => {
  const recorder = openRecorder();
  await recorder.login("a", { keyId: "k1" });
  recorder.now++;
  await recorder.login("a", { keyId: "k2" });
  await recorder.login("a", "clock_skew");
  recorder.now++;
  await recorder.login("a", "invalid_credentials");
  await recorder.login("b", "rate_limited");
  await recorder.flush();
  await recorder.flush();
  expect(recorder.written).toEqual([
    { deviceKey: "a", login: { at: NOW + 1, keyId: "k2" }, failure: { at: NOW + 2, reason: "invalid_credentials" } },
    { deviceKey: "b", login: undefined, failure: { at: NOW + 2, reason: "rate_limited" } },
  ]);
});

test.for(["malformed", "unavailable", "internal"] as const)("%s is not recorded for a device", async (reason) => {
  const { login, flush, written } = openRecorder();
  await login("a", reason);
  await flush();
  expect(written).toEqual([]);
});

test("a login with its own key ends a device's move, even if a later login used the shared key", async () => {
  const recorder = openRecorder();
  await recorder.login("a", { keyId: "own", movingSince: NOW });
  await recorder.login("a", { keyId: "shared" });
  await recorder.login("b", { keyId: "own" });
  recorder.fault = new Error("away");
  await expect(recorder.flush()).rejects.toThrow("away");
  recorder.fault = undefined;
  await recorder.flush();
  await recorder.flush();
  expect(recorder.moves).toEqual([{ deviceKey: "a", movingSince: NOW }]);
});

test("a failed write is repeated the next time, unless there is a newer event", async () => {
  const recorder = openRecorder();
  for (const name of ["a", "b"]) await recorder.login(name, { keyId: "k1" });
  await recorder.login("b", "disabled");
  recorder.fault = new Error("away");
  const flushed = recorder.flush();
  recorder.now++;
  await Promise.all([recorder.login("b", { keyId: "k2" }), expect(flushed).rejects.toThrow("away")]);
  recorder.fault = undefined;
  await recorder.flush();
  expect(recorder.written).toEqual([
    { deviceKey: "a", login: { at: NOW, keyId: "k1" }, failure: undefined },
    { deviceKey: "b", login: { at: NOW + 1, keyId: "k2" }, failure: { at: NOW, reason: "disabled" } },
  ]);
});

test("strangers' names are recorded up to a bound, and do not displace known devices", async () => {
  const { login, flush, written } = openRecorder();
  await login("a", "disabled");
  for (let name = 0; name < 25_000; name++) await login(`guess-${name}`, "clock_skew");
  await login("a", "replayed");
  for (const name of ["a", "b"]) await login(name, { keyId: "k1" });
  await flush();
  expect(written).toHaveLength(20_001);
  expect(written[0]).toMatchObject({ deviceKey: "a", login: { keyId: "k1" }, failure: { reason: "replayed" } });
  expect(written[1]).toMatchObject({ deviceKey: "b", login: { keyId: "k1" }, failure: undefined });
});
