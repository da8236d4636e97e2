// How long it takes until a token that one gateway took back is refused by another, in each way to take one back and to check it.

import { setTimeout as pause } from "node:timers/promises";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import type { Environment } from "../../src/environment.ts";
import { CUSTOMER_KEY, logInBy, openGateway, type TestGateway } from "../gateway.ts";
import { CHECKS, type Checked, closeChecks } from "../tokens/checks.ts";
import type { Seen } from "./seen.ts";

interface Taken {
  readonly gateway: TestGateway;
  readonly deviceKey: string;
  readonly jti: string;
  readonly kid: string;
}

interface Way {
  readonly name: string;
  readonly act: (taken: Taken) => Promise<unknown>;
}

/** The signing key goes last: no token of it is good afterwards. */
const WAYS: readonly Way[] = [
  { name: "by its jti", act: ({ gateway, jti }) => gateway.registry.tokens.revoke(jti, GATEWAY) },
  { name: "by its device", act: ({ gateway, deviceKey }) => gateway.registry.devices.revokeTokens(deviceKey, GATEWAY) },
  {
    name: "by disabling its device",
    act: ({ gateway, deviceKey }) => gateway.registry.devices.update(deviceKey, { status: "disabled" }, "", GATEWAY),
  },
  {
    name: "by deleting its device",
    act: ({ gateway, deviceKey }) => gateway.registry.devices.delete(deviceKey, "", GATEWAY),
  },
  {
    name: "by its customer",
    act: ({ gateway }) => gateway.registry.customers.revokeTokens(gateway.customerId, GATEWAY),
  },
  {
    name: "by disabling its customer",
    async act({ gateway: { registry, customerId } }) {
      await registry.customers.update(customerId, { status: "disabled" }, "", GATEWAY);
    },
  },
  {
    name: "by its signing key",
    act: ({ gateway, kid }) => gateway.signingKeys.revoke(kid, GATEWAY),
  },
];

/** One of each way to check: the others are the same handlers by other protocols. */
const LOOKS = ["Verify over gRPC", "introspection", "/auth/check, x-access-token"] as const;
const TICK_MS = 5;
/** Over ten seconds. */
const MOST_LOOKS = 2_000;

/** Takes tokens back at one gateway, and asks the other one until it refuses them in every way. */
export async function measureTokensSeen(settings: Environment): Promise<readonly Seen[]> {
  const [one, other] = [await openGateway(settings), await openGateway(settings)];
  try {
    const seen: Seen[] = [];
    for (const { name, act } of WAYS) {
      const { token, ...taken } = await takeToken(one);
      // The other has its device in its cache from here on.
      await untilChecked(other, token, ({ outcome }) => outcome === "ok");
      await act({ gateway: one, ...taken });
      const acted = performance.now();
      await untilChecked(one, token, isRefused, 1);
      await untilChecked(other, token, isRefused);
      seen.push({ name: `a token is taken back ${name}`, ms: performance.now() - acted });
      await one.registry.customers.update(one.customerId, { status: "enabled" }, "", GATEWAY);
    }
    return seen;
  } finally {
    closeChecks();
    await Promise.all([one.close(), other.close()]);
  }
}

async function takeToken(
  gateway: TestGateway,
): Promise<{ token: string; deviceKey: string; jti: string; kid: string }> {
  const deviceKey = await gateway.enrol();
  const answer = await logInBy(gateway.publicUrl, { deviceKey, customerKey: CUSTOMER_KEY });
  const { token } = JSON.parse(await answer.text());
  const [header, claims] = String(token).split(".");
  const read = (part = "") => JSON.parse(Buffer.from(part, "base64url").toString());
  return { token, deviceKey, jti: read(claims).jti, kid: read(header).kid };
}

function isRefused({ outcome }: Checked): boolean {
  return outcome === "revoked" || outcome === "inactive";
}

async function untilChecked(
  gateway: TestGateway,
  token: string,
  isDue: (checked: Checked) => boolean,
  most = MOST_LOOKS,
): Promise<void> {
  for (const name of LOOKS) {
    for (let looks = 1; ; looks++) {
      const checked = await CHECKS[name]?.(gateway, token);
      if (checked !== undefined && isDue(checked)) break;
      if (looks === most) throw new Error(`${name} still says ${checked?.outcome}`);
      await pause(TICK_MS);
    }
  }
}
