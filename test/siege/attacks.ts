// The attacks by name, each with its count at full scale; among them HTTP/2 resets of every kind of request.

import { openConnection } from "../frames.ts";
import { RESETS } from "../http2-resets.ts";
import { idleConnections, noDescriptors, oneAddress } from "./crowds.ts";
import { FLOODS } from "./floods.ts";
import { frameSequences } from "./frame-sequences.ts";
import { mutatedHttp1, mutatedHttp2 } from "./mutated.ts";
import { http2Requests } from "./requests.ts";
import { closedPeers, SLOW_CLIENTS } from "./slow.ts";
import { type Attack, type AttackPlan, forEachIndex, LISTENERS } from "./target.ts";
import { HELD_STREAMS } from "./windows.ts";

const LANES = 8;

/** Resets each kind of request at each listener in turn; the count is of requests. */
const resets: Attack = (target, count, findings) => {
  const resets = LISTENERS.flatMap((listener) =>
    http2Requests(listener, target).map((request) => async (): Promise<void> => {
      for (const reset of Object.values(RESETS)) await reset(() => openConnection(target[listener]), request);
    }),
  );
  return forEachIndex(count, LANES, async (index) => {
    await resets[index % resets.length]?.().catch((error: unknown) => findings.add(String(error)));
  });
};

export const ATTACKS: Readonly<Record<string, AttackPlan>> = {
  "frames-public": { count: 30_000, run: frameSequences("publicUrl") },
  "frames-internal": { count: 30_000, run: frameSequences("internalUrl") },
  resets: { count: 800, run: resets },
  "mutated-http1": { count: 200_000, run: mutatedHttp1 },
  "mutated-http2": { count: 200_000, run: mutatedHttp2 },
  ...SLOW_CLIENTS,
  "closed-peers": { count: 3_000, run: closedPeers },
  "idle-connections": { count: 20_000, run: idleConnections, processes: 2, full: ["public"] },
  "one-address": { count: 3_000, run: oneAddress },
  "no-descriptors": { count: 4_000, run: noDescriptors, descriptors: 3_000, full: ["public", "internal"] },
  ...FLOODS,
  ...HELD_STREAMS,
};

/** @throws Error for an unknown name */
export function planOf(name: string): AttackPlan {
  const plan = ATTACKS[name];
  if (plan === undefined) throw new Error(`${name} is no attack. Write one of ${Object.keys(ATTACKS).join(", ")}`);
  return plan;
}
