// Counts stale answers: logins and checks at one gateway right after a change at another one.

import { decodeJwt } from "jose";
import type { Environment } from "../../src/config.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import type { Registry } from "../../src/core/registry/registry.ts";
import { deriveDeviceKey, secretFromText } from "../../src/core/signature.ts";
import { CUSTOMER_KEY, logInBy, NO_LIMITS, openGateway, type TestGateway } from "../gateway.ts";

/** A round, with its own device. */
interface Round {
  readonly number: number;
  readonly registry: Registry;
  readonly customerId: string;
  readonly deviceKey: string;
  /** The device's own key, for a move. */
  readonly own: string;
  /** A second key of the customer, for this round. */
  readonly second: string;
  keyId: string;
  /** The last token. */
  token: string;
  readonly other: TestGateway;
}

interface Step {
  readonly change: string;
  readonly act: (round: Round) => Promise<unknown>;
  /** The next login or check at the other gateway. @returns its answer */
  readonly ask: (round: Round) => Promise<string>;
  readonly expected: string | ((round: Round) => string);
}

const update = (patch: Parameters<Registry["devices"]["update"]>[1]) => (round: Round) =>
  round.registry.devices.update(round.deviceKey, patch, "", GATEWAY);
const logInWith = (keyOf: (round: Round) => string) => async (round: Round) =>
  (await logIn(round, keyOf(round))).reason;
const shared = logInWith(() => CUSTOMER_KEY);
const limitOf = ({ number }: Round): number => 1_000 + number;

const STEPS: readonly Step[] = [
  {
    change: "a device is enrolled",
    act: ({ registry, customerId, deviceKey }) => registry.importDevices([{ deviceKey, customerId }], GATEWAY),
    ask: shared,
    expected: "ok",
  },
  { change: "a device is disabled", act: update({ status: "disabled" }), ask: shared, expected: "disabled" },
  { change: "a device is enabled", act: update({ status: "enabled" }), ask: shared, expected: "ok" },
  {
    change: "a limit is changed",
    act: (round) =>
      round.registry.customers.update(round.customerId, { loginLimit: `${limitOf(round)}/60s` }, "", GATEWAY),
    ask: async (round) => (await logIn(round, CUSTOMER_KEY)).limit,
    expected: (round) => String(limitOf(round)),
  },
  {
    change: "a key is issued",
    async act(round) {
      const draft = { customerId: round.customerId, purpose: "login", importedKey: round.second } as const;
      round.keyId = (await round.registry.customerKeys.issue(draft, GATEWAY)).keyId;
    },
    ask: logInWith(({ second }) => second),
    expected: "ok",
  },
  {
    change: "a key is retired",
    act: ({ registry, keyId }) => registry.customerKeys.retire(keyId, false, GATEWAY),
    ask: logInWith(({ second }) => second),
    expected: "invalid_credentials",
  },
  {
    change: "a device is moved to its own key",
    act: update({ keyMode: "derived", replayGuard: false }),
    ask: logInWith(({ own }) => own),
    expected: "ok",
  },
  { change: "a move is finished", act: update({ finishMove: true }), ask: shared, expected: "invalid_credentials" },
  {
    change: "a token is revoked",
    act: ({ registry, token }) => registry.revokeToken(decodeJwt(token).jti ?? "", GATEWAY),
    ask: check,
    expected: "revoked",
  },
  {
    change: "a device's tokens are revoked",
    async act(round) {
      round.token = (await logIn(round, round.own)).token;
      if ((await check(round)) !== "ok") throw new Error("a fresh token is refused");
      await round.registry.devices.revokeTokens(round.deviceKey, GATEWAY);
    },
    ask: check,
    expected: "revoked",
  },
  {
    change: "a device is deleted",
    act: ({ registry, deviceKey }) => registry.devices.delete(deviceKey, "", GATEWAY),
    ask: logInWith(({ own }) => own),
    expected: "invalid_credentials",
  },
];

export interface Seen {
  readonly change: string;
  readonly changes: number;
  /** Number of stale answers. */
  readonly stale: number;
}

/** Makes each kind of change `rounds` times at one of two gateways, in turn, and asks the other once. */
export async function countStale(settings: Environment, rounds: number): Promise<readonly Seen[]> {
  const open = (): Promise<TestGateway> => openGateway({ ...NO_LIMITS, ...settings });
  const [one, other] = [await open(), await open()];
  const stale = new Map(STEPS.map(({ change }) => [change, 0]));
  try {
    const { customerId, registry } = one;
    const issued = { customerId, purpose: "derivation", importedKey: "" } as const;
    const { customerKey } = await registry.customerKeys.issue(issued, GATEWAY);
    for (let number = 0; number < rounds; number++) {
      const [changing, asked] = number % 2 === 0 ? [one, other] : [other, one];
      const deviceKey = `board-${number}`;
      const own = deriveDeviceKey(secretFromText(customerKey), deviceKey);
      const second = `a second key, of round ${number}`;
      const names = { number, customerId, deviceKey, own, second, keyId: "", token: "" };
      const round: Round = { ...names, registry: changing.registry, other: asked };
      // Lets the other gateway read the present state.
      await shared(round);
      for (const { change, act, ask, expected } of STEPS) {
        await act(round);
        const answer = await ask(round);
        const due = typeof expected === "string" ? expected : expected(round);
        if (answer !== due) stale.set(change, (stale.get(change) ?? 0) + 1);
      }
    }
  } finally {
    await Promise.all([one.close(), other.close()]);
  }
  return [...stale].map(([change, count]) => ({ change, changes: rounds, stale: count }));
}

async function logIn(
  round: Round,
  customerKey: string,
): Promise<{ readonly reason: string; readonly limit: string; readonly token: string }> {
  const response = await logInBy(round.other.publicUrl, { deviceKey: round.deviceKey, customerKey });
  const { reason = "ok", token = "" }: { reason?: string; token?: string } = JSON.parse(await response.text());
  if (token !== "") round.token = token;
  return { reason, limit: response.headers.get("x-ratelimit-limit") ?? "", token };
}

async function check({ other, token }: Round): Promise<string> {
  const response = await fetch(new URL("/auth/check", other.publicUrl), { headers: { "x-access-token": token } });
  const text = await response.text();
  return response.ok ? "ok" : JSON.parse(text).reason;
}
