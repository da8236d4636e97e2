// The overload guard, with the test's own clock.

import { expect, test } from "vitest";
import type { AuthError } from "../../src/core/errors.ts";
import { createOverloadGuard } from "../../src/core/overload.ts";

/** A gateway that answers one login each millisecond. */
function openQueue(loopDelayMs = (): number => 0) {
  const gateway = { now: 0, shed: 0 };
  const { run, underWay } = createOverloadGuard({
    loopDelayMs,
    elapsed: () => gateway.now,
    random: () => 0,
    onRefused: () => gateway.shed++,
  });
  const queue: (() => void)[] = [];
  return Object.assign(gateway, {
    underWay,
    /** Sends logins. @returns the errors of the refused ones */
    async send(count: number): Promise<AuthError[]> {
      const errors: AuthError[] = [];
      for (let sent = 0; sent < count; sent++) {
        run(() => new Promise<void>((resolve) => queue.push(resolve))).catch((error) => errors.push(error));
      }
      await new Promise(setImmediate);
      return errors;
    },
    /** Advances the clock; each millisecond answers one login. */
    async pass(ms: number): Promise<void> {
      for (let passed = 0; passed < ms; passed++) {
        gateway.now++;
        queue.shift()?.();
        await new Promise(setImmediate);
      }
    },
  });
}

test("once it knows its rate, a gateway admits the logins of two seconds, and spreads the others' retries", async () => {
  const gateway = openQueue();
  expect(await gateway.send(3_000)).toEqual([]);
  await gateway.pass(1_500);
  expect(gateway.underWay()).toBe(1_500);
  const waits = (await gateway.send(2_000)).map(({ details }) => details.retryAfterMs);
  expect([waits.length, waits[0], waits.at(-1)]).toEqual([1_499, 1_001, 2_499]);
  expect([gateway.underWay(), gateway.shed]).toEqual([2_001, 1_499]);
});

test("learns no rate from slow callers, nor while idle", async () => {
  const gateway = openQueue();
  for (let login = 0; login < 50; login++) {
    await gateway.send(1);
    await gateway.pass(100);
  }
  gateway.now += 60_000;
  expect(await gateway.send(5_000)).toEqual([]);
});

test("refuses every login while the event loop is late and 33 logins are under way", async () => {
  let delay = 501;
  const { send } = openQueue(() => delay);
  const [error, ...others] = await send(35);
  expect(others).toHaveLength(1);
  expect(error).toMatchObject({ reason: "unavailable", details: { retryAfterMs: expect.any(Number) } });
  delay = 499;
  expect(await send(1)).toEqual([]);
});

test("forgets the rate of a stall", async () => {
  const gateway = openQueue();
  await gateway.send(60);
  gateway.now += 1_500;
  await gateway.pass(60);
  await gateway.send(1);
  await gateway.pass(1);
  expect(await gateway.send(500)).toEqual([]);
});
