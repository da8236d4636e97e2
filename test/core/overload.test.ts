// The overload guard, with the test's own clock.

import { expect, test } from "vitest";
import { AuthError } from "../../src/core/errors.ts";
import { createOverloadGuard } from "../../src/core/overload.ts";

/** A gateway that answers one login each millisecond. */
function openQueue(loopDelayMs = (): number => 0) {
  let clock = 0;
  let refused = 0;
  const guard = createOverloadGuard({
    loopDelayMs,
    elapsed: () => clock,
    random: () => 0,
    onRefused: () => {
      refused++;
    },
  });
  const queue: (() => void)[] = [];
  return {
    guard,
    refused: () => refused,
    /** Sends logins. @returns the errors of the refused ones */
    async send(count: number): Promise<AuthError[]> {
      const errors: AuthError[] = [];
      for (let sent = 0; sent < count; sent++) {
        guard
          .run(() => new Promise<void>((resolve) => queue.push(resolve)))
          .catch((error: unknown) => {
            if (error instanceof AuthError) errors.push(error);
          });
      }
      await new Promise(setImmediate);
      return errors;
    },
    /** Advances the clock without an answer. */
    stall(ms: number): void {
      clock += ms;
    },
    /** Advances the clock; each millisecond answers one login. */
    async pass(ms: number): Promise<void> {
      for (let passed = 0; passed < ms; passed++) {
        clock++;
        queue.shift()?.();
        await Promise.resolve();
        await Promise.resolve();
      }
      await new Promise(setImmediate);
    },
  };
}

test("once the gateway knows the rate, it admits as many logins as it answers within two seconds", async () => {
  const { send, pass, guard, refused } = openQueue();
  expect(await send(3_000)).toEqual([]);
  await pass(1_500);
  expect(guard.underWay()).toBe(1_500);
  const errors = await send(2_000);
  expect([errors.length, refused()]).toEqual([1_499, 1_499]);
  expect(guard.underWay()).toBe(2_001);
});

test("spreads retries at the rate of the gateway", async () => {
  const { send, pass } = openQueue();
  await send(3_000);
  await pass(1_000);
  const waits = (await send(1_001)).map(({ details }) => details.retryAfterMs ?? 0);
  expect([waits.length, waits[0], waits.at(-1)]).toEqual([1_000, 1_001, 2_000]);
});

test("learns no rate from slow callers, nor while idle", async () => {
  const { send, pass } = openQueue();
  for (let login = 0; login < 50; login++) {
    await send(1);
    await pass(100);
  }
  await pass(60_000);
  expect(await send(5_000)).toEqual([]);
});

test("refuses every login while the event loop is late and 33 logins are under way", async () => {
  let delay = 501;
  const { send } = openQueue(() => delay);
  const errors = await send(35);
  expect(errors).toHaveLength(2);
  expect(errors[0]).toMatchObject({ reason: "unavailable", details: { retryAfterMs: expect.any(Number) } });
  delay = 499;
  expect(await send(1)).toEqual([]);
});

test("forgets the rate of a stall", async () => {
  const { send, pass, stall } = openQueue();
  await send(60);
  stall(1_500);
  await pass(60);
  await send(1);
  await pass(1);
  expect(await send(500)).toEqual([]);
});
