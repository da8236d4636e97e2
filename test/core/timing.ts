// How long refusals take, by what is wrong with the login: an in-process measurement of the real path.

import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { createMemoryLimiter } from "../../src/core/limiter/memory.ts";
import { createLogIn } from "../../src/core/login.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { callerAt, type House, NOW, openPath, policies, SKEW } from "./login-path.ts";
import { describeSample, type Sample, welchT } from "./welch.ts";

/** The mistake in a login. */
export const MISTAKES = [
  "unknown device",
  "wrong signature",
  "wrong signature, disabled",
  "wrong signature, derived",
  "wrong signature, moving",
] as const;
export type Mistake = (typeof MISTAKES)[number];

export interface Comparison {
  readonly one: Mistake;
  readonly other: Mistake;
  /** Welch's t of all timings. */
  readonly t: number;
  /** And of those under the 95th percentile of both together, where no collector and no other process has a part. */
  readonly tCropped: number;
}

export interface TimingOptions {
  /** Logins of each kind. */
  readonly samples: number;
}

const NAMES = 500;
const CROP = 0.95;
/** So much later is each login than the one before, in milliseconds: no limit is reached by a name that comes again. */
const STEP_MS = 50;

/** Times refusals of each kind in random order, and compares each two kinds. */
export async function compareTimings(
  house: House,
  { samples }: TimingOptions,
): Promise<{
  readonly samples: ReadonlyMap<Mistake, Sample>;
  readonly comparisons: readonly Comparison[];
}> {
  const names = await enrolNames(house);
  const clock = { now: NOW };
  const logIn = createLogIn({
    credentials: house.store.credentials,
    limiter: createMemoryLimiter(),
    signer: house.signer,
    policies: { ...policies, address: () => undefined },
    skewMs: SKEW,
    now: () => clock.now,
  });

  async function timeOne(mistake: Mistake): Promise<number> {
    const name = names[mistake][randomInt(NAMES)] ?? "";
    // As one that came with a request: whole, and in memory of its own.
    const deviceKey = Buffer.from(name, "latin1").toString("latin1");
    clock.now += STEP_MS;
    const request = {
      deviceKey,
      timestamp: BigInt(Math.floor(clock.now / 1000)),
      deviceSignature: randomBytes(32).toString("hex"),
    };
    const caller = callerAt();
    const started = process.hrtime.bigint();
    const outcome = await logIn(request, caller).then(
      () => "in",
      () => "refused",
    );
    const taken = Number(process.hrtime.bigint() - started);
    if (outcome !== "refused") throw new TypeError("a random signature is wrong");
    return taken;
  }

  const timings = new Map(MISTAKES.map((mistake) => [mistake, new Float64Array(samples)]));
  // Compiles the path, and unseals the keys.
  for (let round = 0; round < 4 * NAMES; round++) for (const mistake of MISTAKES) await timeOne(mistake);
  for (let place = 0; place < samples; place++) {
    for (const mistake of shuffled(MISTAKES)) {
      const list = timings.get(mistake);
      if (list !== undefined) list[place] = await timeOne(mistake);
    }
  }

  const bound = percentile([...timings.values()], CROP);
  const whole = new Map([...timings].map(([mistake, list]) => [mistake, describeSample(list)]));
  const cropped = new Map(
    [...timings].map(([mistake, list]) => [mistake, describeSample(list.filter((ns) => ns < bound))]),
  );
  return { samples: cropped, comparisons: compareAll(whole, cropped) };
}

async function enrolNames(house: House): Promise<Record<Mistake, readonly string[]>> {
  const path = openPath(house);
  const [shared, derived] = [await path.enrolOwner("login"), await path.enrolOwner("derivation")];
  const moving = await path.enrolOwner("login");
  await house.registry.customerKeys.issue(
    { customerId: moving.customerId, purpose: "derivation", importedKey: "" },
    GATEWAY,
  );
  const enrolAll = (draft: Parameters<typeof path.enrol>[0]): Promise<string[]> =>
    Promise.all(Array.from({ length: NAMES }, () => path.enrol(draft)));
  const { customerId } = shared;
  return {
    "unknown device": Array.from({ length: NAMES }, () => randomUUID()),
    "wrong signature": await enrolAll({ customerId }),
    "wrong signature, disabled": await enrolAll({ customerId, status: "disabled" }),
    "wrong signature, derived": await enrolAll({ customerId: derived.customerId, keyMode: "derived" }),
    "wrong signature, moving": await moveAll(house, await enrolAll({ customerId: moving.customerId })),
  };
}

async function moveAll(house: House, names: readonly string[]): Promise<readonly string[]> {
  for (const name of names) await house.registry.devices.update(name, { keyMode: "derived" }, "", GATEWAY);
  return names;
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  const left = [...items];
  return items.flatMap(() => left.splice(randomInt(left.length), 1));
}

function percentile(lists: readonly Float64Array[], part: number): number {
  const all = Float64Array.from(lists.flatMap((list) => [...list])).sort();
  return all[Math.floor(all.length * part)] ?? 0;
}

function compareAll(whole: ReadonlyMap<Mistake, Sample>, cropped: ReadonlyMap<Mistake, Sample>): Comparison[] {
  const t = (samples: ReadonlyMap<Mistake, Sample>, one: Mistake, other: Mistake): number => {
    const [first, second] = [samples.get(one), samples.get(other)];
    if (first === undefined || second === undefined) throw new TypeError("each kind has a sample");
    return welchT(first, second);
  };
  return MISTAKES.flatMap((one, place) =>
    MISTAKES.slice(place + 1).map((other) => ({
      one,
      other,
      t: t(whole, one, other),
      tCropped: t(cropped, one, other),
    })),
  );
}
