// The attacks by name, each with its count at full scale.

import { idleConnections, noDescriptors, oneAddress } from "./crowds.ts";
import { FLOODS } from "./floods.ts";
import { frameSequences } from "./frame-sequences.ts";
import { mutatedHttp1, mutatedHttp2 } from "./mutated.ts";
import { resets } from "./resets.ts";
import { closedPeers, SLOW_CLIENTS } from "./slow.ts";
import type { AttackPlan } from "./target.ts";
import { HELD_STREAMS } from "./windows.ts";

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
