// A gateway in a process of its own, with devices of given names; its parent ends it.

import { openGateway } from "../gateway.ts";

export interface GatewayOrder {
  readonly settings: Readonly<Record<string, string>>;
  readonly deviceKeys: readonly string[];
  readonly replayGuard: boolean;
  /** How long Redis may take, in milliseconds. */
  readonly redisDeadlineMs: number;
}

export interface GatewayAddresses {
  readonly publicUrl: string;
  readonly internalUrl: string;
}

async function open({ settings, deviceKeys, replayGuard, redisDeadlineMs }: GatewayOrder): Promise<GatewayAddresses> {
  const gateway = await openGateway(settings, { redisDeadlineMs });
  for (const deviceKey of deviceKeys) await gateway.enrol({ deviceKey, replayGuard });
  process.once("disconnect", () => void gateway.close().then(() => process.exit(0)));
  return { publicUrl: gateway.publicUrl, internalUrl: gateway.internalUrl };
}

process.once("message", async (order: GatewayOrder) => {
  process.send?.(await open(order));
});
