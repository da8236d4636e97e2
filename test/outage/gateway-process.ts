// A gateway in its own process, with devices of given names. The parent process ends it; both run this module.

import { fork } from "node:child_process";
import { once } from "node:events";
import { adopt } from "../children.ts";
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

/** Starts the process, which `cleanup` ends. */
export async function openProcess(order: GatewayOrder, cleanup: AsyncDisposableStack): Promise<GatewayAddresses> {
  const child = adopt(fork(import.meta.filename));
  const ended = once(child, "exit");
  cleanup.defer(async () => {
    if (child.connected) child.disconnect();
    await ended;
  });
  child.send(order);
  const answer = await Promise.race([once(child, "message"), ended.then(() => undefined)]);
  if (answer === undefined) throw new Error("a gateway ended before it was open");
  return answer[0];
}

async function open({ settings, deviceKeys, replayGuard, redisDeadlineMs }: GatewayOrder): Promise<GatewayAddresses> {
  const gateway = await openGateway(settings, { redisDeadlineMs });
  for (const deviceKey of deviceKeys) await gateway.enrol({ deviceKey, replayGuard });
  process.once("disconnect", () => void gateway.close().then(() => process.exit(0)));
  return { publicUrl: gateway.publicUrl, internalUrl: gateway.internalUrl };
}

if (process.argv[1] === import.meta.filename) {
  process.once("message", async (order: GatewayOrder) => {
    process.send?.(await open(order));
  });
}
