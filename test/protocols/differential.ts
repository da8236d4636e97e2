// Random logins through every protocol, both listeners and the oracles: the differences between their answers.

import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { signLogin } from "../../src/cli/sign.ts";
import { CUSTOMER_KEY, openGateway, type TestGateway } from "../gateway.ts";
import { type Answer, channels, type LoginFields, type Session } from "./channels.ts";
import { type Oracles, startOracles } from "./oracles.ts";

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

/** A login that every encoding can express, for all combinations. */
interface Plan {
  readonly device: DeviceKind;
  /** Replaces the device's own key, if defined. */
  readonly deviceKey: string | undefined;
  /** Unix seconds, or seconds from now; undefined: not sent. */
  readonly timestamp: { readonly seconds: number; readonly isFromNow: boolean } | undefined;
  readonly secret: string;
  /** How the signature is changed. */
  readonly signature: "right" | "upper" | "missing" | { readonly cut: number } | { readonly text: string };
  /** How often the login is sent in a row. All answers are compared. */
  readonly times: number;
  /** Seconds that pass before the login. */
  readonly wait: number;
}

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

export const plans: fc.Arbitrary<Plan> = fc.record({
  device: fc.constantFrom(...DEVICE_KINDS),
  deviceKey: fc.oneof(
    { weight: 8, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: anyText(120) },
    { weight: 1, arbitrary: lengths.map((length) => "k".repeat(length)) },
  ),
  timestamp: fc.oneof(
    { weight: 24, arbitrary: fc.integer({ min: -310, max: 310 }).map((seconds) => ({ seconds, isFromNow: true })) },
    { weight: 1, arbitrary: fc.constant(undefined) },
    { weight: 2, arbitrary: fc.maxSafeInteger().map((seconds) => ({ seconds, isFromNow: false })) },
    { weight: 1, arbitrary: fc.constantFrom(...EDGES).map((seconds) => ({ seconds, isFromNow: false })) },
  ),
  secret: fc.oneof(
    { weight: 4, arbitrary: fc.constant(CUSTOMER_KEY) },
    { weight: 1, arbitrary: fc.constant("another") },
  ),
  signature: fc.oneof(
    { weight: 24, arbitrary: fc.constant("right" as const) },
    { weight: 1, arbitrary: fc.constant("upper" as const) },
    { weight: 1, arbitrary: fc.constant("missing" as const) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 64 }).map((cut) => ({ cut })) },
    { weight: 1, arbitrary: anyText(90).map((text) => ({ text })) },
  ),
  times: fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.integer({ min: 2, max: 12 }) }),
  wait: fc.constantFrom(0, 1, 30, 60, 61),
});

export interface Difference {
  readonly plan: Plan;
  readonly answers: Readonly<Record<string, Answer>>;
}

export interface Differential {
  readonly ways: readonly string[];
  /** Sends a plan through every way. @returns the first difference; undefined when all answers agree */
  compare(plan: Plan, onOutcome?: (outcome: string) => void): Promise<Difference | undefined>;
  close(): Promise<void>;
}

const START = 1_764_000_000_000;
const MOST_ATTEMPTS = 10;
const RECOVERY_MS = 1_000;
/** Longer than every window of a limit. */
const WINDOWS_MS = 1_000_000;

/** Starts a gateway with its own clock, and a client for every combination. */
export async function openDifferential(): Promise<Differential> {
  let now = START;
  const gateway = await openGateway({ ADDRESS_LIMIT: "off" }, { now: () => now });
  const oracles = await startOracles(gateway.services.map(({ spec }) => spec));
  const ways = await openWays(gateway, oracles);
  async function compareOnce(plan: Plan, onOutcome?: (outcome: string) => void): Promise<Difference | undefined> {
    const askAll = (asked: readonly Way[]) => Promise.all(asked.map((way) => ask(way, plan, now)));
    for (let time = 0; time < plan.times; time++) {
      const own = await askAll(ways.filter(({ isOracle }) => !isOracle));
      const [first] = own.map(([, answer]) => answer);
      if (first === undefined) throw new TypeError("there are no ways");
      onOutcome?.(first.outcome);
      // No specification fixes the largest message or its error.
      const theirs = first.outcome === "too_large" ? [] : await askAll(ways.filter(({ isOracle }) => isOracle));
      const answers = [...own, ...theirs];
      if (!answers.every(([, answer]) => isDeepStrictEqual(answer, first) && answer.outcome !== "unavailable")) {
        return { plan, answers: Object.fromEntries(answers) };
      }
    }
    return undefined;
  }
  return {
    ways: ways.map(({ name }) => name),
    async compare(plan, onOutcome) {
      now += plan.wait * 1000;
      for (let attempt = 1; ; attempt++) {
        const difference = await compareOnce(plan, onOutcome);
        const answers = Object.values(difference?.answers ?? {});
        if (!answers.some(({ outcome }) => outcome === "unavailable") || attempt === MOST_ATTEMPTS) return difference;
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

async function ask({ name, session, key }: Way, plan: Plan, now: number): Promise<readonly [string, Answer]> {
  const { token, ...answer } = await session.send(makeLogin(plan, key(plan.device), now));
  // Tokens differ in id and device, so only their presence is compared.
  return [name, { ...answer, ...(token !== undefined && { token: "a token" }) }];
}

async function openWays(gateway: TestGateway, oracles: Oracles): Promise<readonly Way[]> {
  const ends = channels.flatMap(({ oracle, ...channel }) => [
    { channel, endpoint: "public", url: gateway.publicUrl, isOracle: false },
    { channel, endpoint: "internal", url: gateway.internalUrl, isOracle: false },
    ...(oracle === undefined ? [] : [{ channel, endpoint: "the oracle", url: oracles[oracle], isOracle: true }]),
  ]);
  return Promise.all(
    ends.map(async ({ channel, endpoint, url, isOracle }, number): Promise<Way> => {
      // Keys of one length: messages may count their characters.
      const key = (kind: DeviceKind): string => `${kind}-${String(number).padStart(2, "0")}`;
      await gateway.enrol({ deviceKey: key("usual") });
      await gateway.enrol({ deviceKey: key("disabled"), status: "disabled" });
      await gateway.enrol({ deviceKey: key("guarded"), replayGuard: true });
      await gateway.enrol({ deviceKey: key("shared"), sharedIdentity: true });
      return { name: `${channel.name} at ${endpoint}`, isOracle, session: channel.open(url), key };
    }),
  );
}

function makeLogin(plan: Plan, ownKey: string, now: number): LoginFields {
  // Unknown names are counted too, so each combination has its own.
  const deviceKey = plan.deviceKey ? `${plan.deviceKey}${ownKey.slice(-2)}` : (plan.deviceKey ?? ownKey);
  const { seconds = 0, isFromNow = false } = plan.timestamp ?? {};
  const timestamp = plan.timestamp && seconds + (isFromNow ? Math.floor(now / 1000) : 0);
  const right = signLogin({ deviceKey, customerKey: plan.secret }, timestamp ?? 0).device_signature;
  const signature = readSignature(plan.signature, right);
  return {
    device_key: deviceKey,
    ...(timestamp !== undefined && { timestamp }),
    ...(signature !== undefined && { device_signature: signature }),
  };
}

function readSignature(signature: Plan["signature"], right: string): string | undefined {
  if (signature === "missing") return undefined;
  if (signature === "right") return right;
  if (signature === "upper") return right.toUpperCase();
  return "cut" in signature ? right.slice(0, signature.cut) : signature.text;
}
