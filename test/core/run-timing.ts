// `npm run timing`: compares the times of login errors. Exits 1 when a time shows the kind of error.

import { randomBytes, randomInt } from "node:crypto";
import { readNumbers, report } from "../long-run.ts";
import { callerAt, openFixture, openPath } from "./login-path.ts";

/** A larger Welch's t shows a leak (Goodwill and others, NIST NIAT 2011). */
const LEAK = 4.5;
const NAMES = 500;
/** Time between two logins, in milliseconds: no name reaches a limit. */
const STEP_MS = 50;

const count = readNumbers({ samples: 100_000 })("samples");
const fixture = await openFixture();
const path = openPath(fixture, { policies: { address: undefined } });
const kinds = Object.entries(await path.enrolKinds(NAMES)).map(([kind, names]) => {
  return { kind, names, times: [] as number[] };
});

/** Measures one refused login, in nanoseconds. */
async function timeOne(names: readonly string[]): Promise<number> {
  // A copy in its own memory, like a device_key from a request.
  const deviceKey = Buffer.from(names[randomInt(NAMES)] ?? "", "latin1").toString("latin1");
  path.now += STEP_MS;
  path.charged.length = 0;
  const timestamp = BigInt(Math.floor(path.now / 1000));
  const request = { deviceKey, timestamp, deviceSignature: randomBytes(32).toString("hex") };
  const started = process.hrtime.bigint();
  const isAdmitted = await path.logIn(request, callerAt()).then(
    () => true,
    () => false,
  );
  const taken = Number(process.hrtime.bigint() - started);
  if (isAdmitted) throw new TypeError("a random signature was accepted");
  return taken;
}

/** Mean, and its squared standard error. */
function describeSample(sample: readonly number[]): { readonly mean: number; readonly error: number } {
  const mean = sample.reduce((sum, value) => sum + value, 0) / sample.length;
  const squares = sample.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, error: squares / (sample.length - 1) / sample.length };
}

// The warm-up compiles the path and unseals the keys.
for (let round = 0; round < 4 * NAMES; round++) for (const { names } of kinds) await timeOne(names);
for (let measured = 0; measured < count * kinds.length; measured++) {
  const kind = kinds[randomInt(kinds.length)];
  kind?.times.push(await timeOne(kind.names));
}
const samples = kinds.map(({ kind, times }) => ({ kind, ...describeSample(times) }));
report(`${count} errors of each kind, on average:`);
for (const { kind, mean } of samples) report(`  ${kind.padEnd(26)} ${(mean / 1000).toFixed(2)} us`);
for (const [index, one] of samples.entries()) {
  for (const other of samples.slice(index + 1)) {
    // Welch, Biometrika 34, 1947.
    const t = (one.mean - other.mean) / Math.sqrt(one.error + other.error);
    const isLeak = Math.abs(t) >= LEAK;
    report(`  ${`${one.kind} / ${other.kind}`.padEnd(56)} t = ${t.toFixed(2)}${isLeak ? "   LEAK" : ""}`, [], isLeak);
  }
}
await fixture.close();
