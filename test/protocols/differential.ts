// Compares answers to random logins through every protocol, listener and oracle.

import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { signLogin } from "../../src/cli/sign.ts";
import { CUSTOMER_KEY, openGateway, type TestGateway } from "../gateway.ts";
import { type Answer, channels, type LoginFields, type Session } from "./channels.ts";
import { type Oracles, startOracles } from "./oracles.ts";

/** Compares the answers to random samples. */
export interface Differential<Sample> {
  readonly samples: fc.Arbitrary<Sample>;
  /** Sends a sample every way. @returns the answers when they differ */
  readonly compare: (sample: Sample) => Promise<object | undefined>;
  readonly close: () => Promise<void>;
}

/** Compares random samples. @throws Error at the first difference */
export function assertAlike<Sample>({ samples, compare }: Differential<Sample>, sampling: fc.Parameters<[Sample]>) {
  const property = fc.asyncProperty(samples, async (sample) => {
    const answers = await compare(sample);
    if (answers !== undefined) throw new Error(`the answers differ: ${JSON.stringify(answers, null, 2)}`);
  });
  return fc.assert(property, { endOnFailure: true, ...sampling });
}

/** A combination of protocol and listener, with its own devices, so that each has the same limits. */
interface Way {
  readonly name: string;
  readonly isOracle: boolean;
  readonly session: Session;
  /** The device_key of its device of a kind. */
  readonly key: (kind: DeviceKind) => string;
}

const DEVICE_KINDS = ["usual", "disabled", "guarded", "shared", "unknown"] as const;
type DeviceKind = (typeof DEVICE_KINDS)[number];

/** Text that survives every encoding: no lone surrogate. */
const anyText = (maxLength: number): fc.Arbitrary<string> =>
  fc.oneof(
    fc.string({ unit: "grapheme-composite", maxLength }),
    fc.string({ maxLength }),
    fc.string({ unit: "binary", maxLength }),
  );

/** Lengths around 4 KiB are left out: there a message is too large in one encoding and not in another. */
const lengths = fc.oneof(fc.integer({ min: 90, max: 3_900 }), fc.integer({ min: 4_200, max: 5_000 }));

/** Timestamps in 1970, before it, of ten digits and of eleven, and in milliseconds. */
const EDGES = [0, 1, -1, 9_999_999_999, 10_000_000_000, 1_764_000_000_000];

/** Mostly `usual`, which keeps the login valid, else one of the others. */
const mostly = <T>(weight: number, usual: T, ...others: fc.Arbitrary<T>[]): fc.Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: fc.constant(usual) }, ...others);

/** A login that every encoding can express. */
const plans = fc.record({
  device: fc.constantFrom(...DEVICE_KINDS),
  /** Replaces the device's own key, if defined. */
  deviceKey: mostly<string | undefined>(
    8,
    undefined,
    anyText(120),
    lengths.map((length) => "k".repeat(length)),
  ),
  /** Unix seconds, or seconds from now; undefined: not sent. */
  timestamp: fc.oneof(
    { weight: 24, arbitrary: fc.record({ fromNow: fc.integer({ min: -310, max: 310 }) }) },
    { weight: 2, arbitrary: fc.maxSafeInteger() },
    fc.constantFrom(undefined, ...EDGES),
  ),
  secret: mostly(4, CUSTOMER_KEY, fc.constant("another")),
  /** Digits of the right signature, or any text; undefined: not sent. */
  signature: mostly<{ readonly digits: number } | string | undefined>(
    24,
    { digits: 64 },
    fc.constant(undefined),
    fc.record({ digits: fc.integer({ min: 1, max: 63 }) }),
    anyText(90),
  ),
  isUpper: mostly(24, false, fc.constant(true)),
  /** How often the login is sent in a row. All answers are compared. */
  times: mostly(9, 1, fc.integer({ min: 2, max: 12 })),
  /** Seconds that pass before the login. */
  wait: fc.constantFrom(0, 1, 30, 60, 61),
});
type Plan = typeof plans extends fc.Arbitrary<infer Sample> ? Sample : never;

const START = 1_764_000_000_000;
const MOST_ATTEMPTS = 10;
const RECOVERY_MS = 1_000;
/** Longer than every window of a limit. */
const WINDOWS_MS = 1_000_000;

/** Starts a gateway with its own clock, and a client for every combination. `onOutcome` gets the outcome of each login. */
export async function openDifferential(onOutcome: (outcome: string) => void) {
  let now = START;
  const gateway = await openGateway({ ADDRESS_LIMIT: "off" }, { now: () => now });
  const oracles = await startOracles(gateway.services.map(({ spec }) => spec));
  const ways = await openWays(gateway, oracles);

  async function compareOnce(plan: Plan): Promise<Readonly<Record<string, Answer>> | undefined> {
    const askAll = (asked: readonly Way[]) => Promise.all(asked.map((way) => ask(way, plan, now)));
    for (let time = 0; time < plan.times; time++) {
      const own = await askAll(ways.filter(({ isOracle }) => !isOracle));
      const outcome = own[0]?.[1].outcome ?? "no way";
      onOutcome(outcome);
      // No specification fixes the largest message or its error.
      const theirs = outcome === "too_large" ? [] : await askAll(ways.filter(({ isOracle }) => isOracle));
      const answers = [...own, ...theirs];
      const isAlike = answers.every(([, answer]) => isDeepStrictEqual(answer, own[0]?.[1]));
      if (!isAlike || outcome === "unavailable") return Object.fromEntries(answers);
    }
    return undefined;
  }

  return {
    ways: ways.length,
    samples: plans,
    async compare(plan: Plan) {
      now += plan.wait * 1000;
      for (let attempt = 1; ; attempt++) {
        const answers = await compareOnce(plan);
        const isLate = Object.values(answers ?? {}).some(({ outcome }) => outcome === "unavailable");
        if (!isLate || attempt === MOST_ATTEMPTS) return answers;
        // A look-up was late on a busy machine: the windows pass before the plan is sent again.
        now += WINDOWS_MS;
        await pause(RECOVERY_MS);
      }
    },
    async close() {
      for (const { session } of ways) session.close();
      await oracles.close();
      await gateway.close();
    },
  };
}

async function openWays(gateway: TestGateway, oracles: Oracles): Promise<readonly Way[]> {
  const ends = channels.flatMap(({ oracle, ...channel }) => [
    { channel, endpoint: "public", url: gateway.publicUrl },
    { channel, endpoint: "internal", url: gateway.internalUrl },
    ...(oracle === undefined ? [] : [{ channel, endpoint: "oracle", url: oracles[oracle] }]),
  ]);
  return Promise.all(
    ends.map(async ({ channel, endpoint, url }, number): Promise<Way> => {
      // Keys of one length: messages may count their characters.
      const key = (kind: DeviceKind): string => `${kind}-${String(number).padStart(2, "0")}`;
      await gateway.enrol({ deviceKey: key("usual") });
      await gateway.enrol({ deviceKey: key("disabled"), status: "disabled" });
      await gateway.enrol({ deviceKey: key("guarded"), replayGuard: true });
      await gateway.enrol({ deviceKey: key("shared"), sharedIdentity: true });
      return { name: `${channel.name}, ${endpoint}`, isOracle: endpoint === "oracle", session: channel.open(url), key };
    }),
  );
}

async function ask({ name, session, key }: Way, plan: Plan, now: number): Promise<readonly [string, Answer]> {
  const { token, ...answer } = await session.send(makeLogin(plan, key(plan.device), now));
  // Tokens differ in id and device, so only their presence is compared.
  return [name, { ...answer, ...(token !== undefined && { token: "a token" }) }];
}

function makeLogin({ secret, signature, isUpper, ...plan }: Plan, ownKey: string, now: number): LoginFields {
  // Unknown names are counted too, so each combination has its own.
  const deviceKey = plan.deviceKey ? `${plan.deviceKey}${ownKey.slice(-2)}` : (plan.deviceKey ?? ownKey);
  const { timestamp: time } = plan;
  const timestamp = typeof time === "object" ? Math.floor(now / 1000) + time.fromNow : time;
  const right = signLogin({ deviceKey, customerKey: secret }, timestamp ?? 0).device_signature;
  const text = typeof signature === "object" ? right.slice(0, signature.digits) : signature;
  return {
    device_key: deviceKey,
    ...(timestamp !== undefined && { timestamp }),
    ...(text !== undefined && { device_signature: isUpper ? text.toUpperCase() : text }),
  };
}
