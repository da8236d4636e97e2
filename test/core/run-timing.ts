// `npm run timing`: whether the time of an error shows what is wrong with the login. Prints each t; exits 1 over 4.5.

import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { createMemoryLimiter } from "../../src/core/limiter/memory.ts";
import { createLogIn } from "../../src/core/login.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { readNumbers } from "../long-run.ts";
import { callerAt, NOW, openFixture, openPath, policies, SKEW } from "./login-path.ts";

/** A larger Welch's t shows a leak (Goodwill and others, NIST NIAT 2011). */
const LEAK = 4.5;
const NAMES = 500;
/** Time between two logins, in milliseconds: no name reaches a limit. */
const STEP_MS = 50;

const count = readNumbers({ samples: 100_000 })("samples");
const fixture = await openFixture();
const names = await enrolNames();
const kinds = Object.keys(names);
const clock = { now: NOW };
const logIn = createLogIn({
  credentials: fixture.store.credentials,
  limiter: createMemoryLimiter(),
  signer: fixture.signer,
  policies: { ...policies, address: () => undefined },
  skewMs: SKEW,
  now: () => clock.now,
});

async function enrolNames(): Promise<Readonly<Record<string, readonly string[]>>> {
  const path = openPath(fixture);
  const [shared, derived] = [await path.enrolOwner("login"), await path.enrolOwner("derivation")];
  const moving = await path.enrolOwner("login");
  const second = { customerId: moving.customerId, purpose: "derivation", importedKey: "" } as const;
  await fixture.registry.customerKeys.issue(second, GATEWAY);
  const enrolAll = (draft: Parameters<typeof path.enrol>[0]): Promise<string[]> =>
    Promise.all(Array.from({ length: NAMES }, () => path.enrol(draft)));
  const { customerId } = shared;
  const movers = await enrolAll({ customerId: moving.customerId });
  for (const name of movers) await fixture.registry.devices.update(name, { keyMode: "derived" }, "", GATEWAY);
  return {
    "unknown device": Array.from({ length: NAMES }, () => randomUUID()),
    "wrong signature": await enrolAll({ customerId }),
    "wrong signature, disabled": await enrolAll({ customerId, status: "disabled" }),
    "wrong signature, derived": await enrolAll({ customerId: derived.customerId, keyMode: "derived" }),
    "wrong signature, moving": movers,
  };
}

/** Measures one refused login, in nanoseconds. */
async function timeOne(kind: string): Promise<number> {
  // A copy in its own memory, like a device_key from a request.
  const deviceKey = Buffer.from(names[kind]?.[randomInt(NAMES)] ?? "", "latin1").toString("latin1");
  clock.now += STEP_MS;
  const timestamp = BigInt(Math.floor(clock.now / 1000));
  const request = { deviceKey, timestamp, deviceSignature: randomBytes(32).toString("hex") };
  const started = process.hrtime.bigint();
  const isAdmitted = await logIn(request, callerAt()).then(
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

const timings = new Map<string, number[]>(kinds.map((kind) => [kind, []]));
// The warm-up compiles the path and unseals the keys.
for (let round = 0; round < 4 * NAMES; round++) for (const kind of kinds) await timeOne(kind);
for (let round = 0; round < count; round++) {
  const left = [...kinds];
  while (left.length > 0) {
    const [kind = ""] = left.splice(randomInt(left.length), 1);
    timings.get(kind)?.push(await timeOne(kind));
  }
}
const samples = [...timings].map(([kind, sample]) => ({ kind, ...describeSample(sample) }));
process.stdout.write(`${count} errors of each kind:\n`);
for (const { kind, mean } of samples) process.stdout.write(`  ${kind.padEnd(26)} ${(mean / 1000).toFixed(2)} us\n`);
for (const [index, one] of samples.entries()) {
  for (const other of samples.slice(index + 1)) {
    // Welch, Biometrika 34, 1947.
    const t = (one.mean - other.mean) / Math.sqrt(one.error + other.error);
    const isLeak = Math.abs(t) >= LEAK;
    if (isLeak) process.exitCode = 1;
    process.stdout.write(
      `  ${`${one.kind} / ${other.kind}`.padEnd(56)} t = ${t.toFixed(2)}${isLeak ? "   LEAK" : ""}\n`,
    );
  }
}
await fixture.close();
