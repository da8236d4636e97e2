// Outages of the database: their start and end, and the notifications.

import { expect, test } from "vitest";
import { createOutage } from "../../src/store/outage.ts";
import { caughtError } from "../core/caught-error.ts";

function open() {
  const events: string[] = [];
  const probes: { resolve(): void; reject(error: Error): void }[] = [];
  const outage = createOutage({
    probe: () => new Promise<void>((resolve, reject) => probes.push({ resolve, reject })),
    listener: {
      away: (access, cause) => events.push(`${access} away: ${String(cause)}`),
      back: (access) => events.push(`${access} back`),
    },
  });
  return { outage, events, probes };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("from the first failure until a probe succeeds look-ups fail at once; the log has the start and the end", async () => {
  const { outage, events, probes } = open();
  outage.check();
  outage.lookUpFailed("cut");
  outage.lookUpFailed("cut again");
  expect(caughtError(() => outage.check()).reason).toBe("unavailable");
  probes[0]?.resolve();
  await settled();
  outage.check();
  expect(events).toEqual(["read away: cut", "read back"]);
  outage.close();
});

test("a failed read other than a look-up is an outage only if a probe fails too", async () => {
  const { outage, events, probes } = open();
  outage.readFailed("a slow list");
  probes[0]?.resolve();
  await settled();
  outage.check();
  outage.readFailed("cut");
  probes[1]?.reject(new Error("cut"));
  await settled();
  expect(events).toEqual(["read away: cut"]);
  outage.close();
});

test("a failed write does not affect reads, and the outage of writes ends with the next successful write", async () => {
  const { outage, events, probes } = open();
  for (const cause of ["disk full", "disk full"]) outage.writeFailed(cause);
  for (const { resolve } of probes) resolve();
  await settled();
  outage.check();
  expect(outage.canWrite()).toBe(false);
  outage.wrote();
  outage.wrote();
  expect(outage.canWrite()).toBe(true);
  expect(events).toEqual(["write away: disk full", "write back"]);
});

test("a failed write begins an outage of reads if the database does not answer", async () => {
  const { outage, events, probes } = open();
  outage.writeFailed("cut");
  probes[0]?.reject(new Error("cut"));
  await settled();
  outage.writeFailed("cut");
  expect([events, outage.canWrite()]).toEqual([["read away: cut"], true]);
  outage.close();
});
