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

/** A change at one gateway, the next login or check at the other one, and its right answer. */
type Step = readonly [change: string, act: (round: Round) => Promise<unknown>, ask: Ask, expected: string];
type Ask = (round: Round) => Promise<string>;

const update = (patch: Parameters<Registry["devices"]["update"]>[1]) => (round: Round) =>
  round.registry.devices.update(round.deviceKey, patch, "", GATEWAY);
const logInWith =
  (keyOf: (round: Round) => string): Ask =>
  async (round) =>
    (await logIn(round, keyOf(round))).reason;
const shared = logInWith(() => CUSTOMER_KEY);
const own = logInWith((round) => round.own);
const second = logInWith((round) => round.second);
const limitOf = ({ number }: Round): number => 1_000 + number;
const limit: Ask = async (round) =>
  (await logIn(round, CUSTOMER_KEY)).limit === String(limitOf(round)) ? "the new limit" : "another limit";

async function issueKey(round: Round): Promise<void> {
  const draft = { customerId: round.customerId, purpose: "login", importedKey: round.second } as const;
  round.keyId = (await round.registry.customerKeys.issue(draft, GATEWAY)).keyId;
}

async function revokeTokens(round: Round): Promise<void> {
  round.token = (await logIn(round, round.own)).token;
  if ((await check(round)) !== "ok") throw new Error("a fresh token is refused");
  await round.registry.devices.revokeTokens(round.deviceKey, GATEWAY);
}

const enrol = ({ registry, customerId, deviceKey }: Round) =>
  registry.importDevices([{ deviceKey, customerId }], GATEWAY);
const changeLimit = (round: Round) =>
  round.registry.customers.update(round.customerId, { loginLimit: `${limitOf(round)}/60s` }, "", GATEWAY);
const retireKey = ({ registry, keyId }: Round) => registry.customerKeys.retire(keyId, false, GATEWAY);
const revokeToken = ({ registry, token }: Round) => registry.revokeToken(decodeJwt(token).jti ?? "", GATEWAY);
const deleteDevice = ({ registry, deviceKey }: Round) => registry.devices.delete(deviceKey, "", GATEWAY);

const STEPS: readonly Step[] = [
  ["a device is enrolled", enrol, shared, "ok"],
  ["a device is disabled", update({ status: "disabled" }), shared, "disabled"],
  ["a device is enabled", update({ status: "enabled" }), shared, "ok"],
  ["a limit is changed", changeLimit, limit, "the new limit"],
  ["a key is issued", issueKey, second, "ok"],
  ["a key is retired", retireKey, second, "invalid_credentials"],
  ["a device is moved to its own key", update({ keyMode: "derived", replayGuard: false }), own, "ok"],
  ["a move is finished", update({ finishMove: true }), shared, "invalid_credentials"],
  ["a token is revoked", revokeToken, check, "revoked"],
  ["a device's tokens are revoked", revokeTokens, check, "revoked"],
  ["a device is deleted", deleteDevice, own, "invalid_credentials"],
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
  const stale = new Map(STEPS.map(([change]) => [change, 0]));
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
      for (const [change, act, ask, expected] of STEPS) {
        await act(round);
        if ((await ask(round)) !== expected) stale.set(change, (stale.get(change) ?? 0) + 1);
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
