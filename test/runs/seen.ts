// `npm run seen [-- --rounds 1000]`: each gateway's next login or check sees the other's change. Exits 1 for a stale answer.

import { decodeJwt } from "jose";
import type { Environment } from "../../src/config.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import type { Registry } from "../../src/core/registry/registry.ts";
import { deriveDeviceKey, secretFromText } from "../../src/core/signature.ts";
import { CUSTOMER_KEY, NO_LIMITS, openGateway, postLogin, signNow, type TestGateway } from "../gateway.ts";
import { onBothDatabases, type Result, readNumbers } from "../long-run.ts";

/** Makes each kind of change `rounds` times at one of two gateways, in turn, and asks the other once. */
export async function countStale(rounds: number, settings: Environment): Promise<Result> {
  const open = (): Promise<TestGateway> => openGateway({ ...NO_LIMITS, ...settings });
  const [one, other] = [await open(), await open()];
  const mistakes: string[] = [];
  try {
    const { customerId, registry } = one;
    const derivation = { customerId, purpose: "derivation", importedKey: "" } as const;
    const { customerKey } = await registry.customerKeys.issue(derivation, GATEWAY);
    for (let round = 0; round < rounds; round++) {
      const [changing, asked] = round % 2 === 0 ? [one, other] : [other, one];
      for (const [change, act, ask, expected] of stepsOf(round, customerId, customerKey, changing.registry, asked)) {
        await act();
        const answer = await ask();
        if (answer !== expected) mistakes.push(`after "${change}": ${answer}`);
      }
    }
  } finally {
    await Promise.all([one.close(), other.close()]);
  }
  return { line: `${rounds} rounds of changes, ${mistakes.length} stale answers`, mistakes };
}

/** A change at one gateway, the next login or check at the other one, and its right answer. */
type Step = readonly [change: string, act: () => Promise<unknown>, ask: () => Promise<string>, expected: string];

/** The steps of a round, which has its own device. */
function stepsOf(
  round: number,
  customerId: string,
  derivationKey: string,
  registry: Registry,
  { publicUrl }: TestGateway,
): readonly Step[] {
  const { customers, customerKeys, devices } = registry;
  const deviceKey = `board-${round}`;
  const secondKey = `a second key, of round ${round}`;
  const newLimit = String(1_000 + round);
  let [keyId, token, limit] = ["", "", ""];

  const logInBy = (customerKey: string) => async (): Promise<string> => {
    const response = await postLogin(publicUrl, signNow(deviceKey, customerKey));
    const answer = JSON.parse(await response.text());
    token = answer.token ?? token;
    limit = response.headers.get("x-ratelimit-limit") ?? "";
    return answer.reason ?? "ok";
  };
  const shared = logInBy(CUSTOMER_KEY);
  const second = logInBy(secondKey);
  const own = logInBy(deriveDeviceKey(secretFromText(derivationKey), deviceKey));
  const check = async (): Promise<string> => {
    const response = await fetch(new URL("/auth/check", publicUrl), { headers: { "x-access-token": token } });
    const text = await response.text();
    return response.ok ? "ok" : JSON.parse(text).reason;
  };
  const update = (patch: Parameters<Registry["devices"]["update"]>[1]) => () =>
    devices.update(deviceKey, patch, "", GATEWAY);
  const issueKey = async (): Promise<void> => {
    ({ keyId } = await customerKeys.issue({ customerId, purpose: "login", importedKey: secondKey }, GATEWAY));
  };
  const changeLimit = () => customers.update(customerId, { loginLimit: `${newLimit}/60s` }, "", GATEWAY);

  return [
    // Lets the other gateway read the present state.
    ["nothing", async () => {}, shared, "invalid_credentials"],
    ["a device is enrolled", () => registry.importDevices([{ deviceKey, customerId }], GATEWAY), shared, "ok"],
    ["a device is disabled", update({ status: "disabled" }), shared, "disabled"],
    ["a device is enabled", update({ status: "enabled" }), shared, "ok"],
    ["a limit is changed", changeLimit, async () => (await shared()) && limit, newLimit],
    ["a key is issued", issueKey, second, "ok"],
    ["a key is retired", () => customerKeys.retire(keyId, false, GATEWAY), second, "invalid_credentials"],
    ["a device is moved to its own key", update({ keyMode: "derived", replayGuard: false }), own, "ok"],
    ["a move is finished", update({ finishMove: true }), shared, "invalid_credentials"],
    ["a token is revoked", () => registry.revokeToken(decodeJwt(token).jti ?? "", GATEWAY), check, "revoked"],
    ["the device logs in again", own, check, "ok"],
    ["a device's tokens are revoked", () => devices.revokeTokens(deviceKey, GATEWAY), check, "revoked"],
    ["a device is deleted", () => devices.delete(deviceKey, "", GATEWAY), own, "invalid_credentials"],
  ];
}

if (process.argv[1] === import.meta.filename) {
  const rounds = readNumbers({ rounds: 1_000 })("rounds");
  await onBothDatabases((settings) => countStale(rounds, settings));
}
