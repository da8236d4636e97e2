// The attacks by name, each with its count at full scale.

import { idleConnections, noDescriptors, oneAddress } from "./crowds.ts";
import { FLOODS } from "./floods.ts";
import { frameSequences } from "./frame-sequences.ts";
import { mutatedHttp1, mutatedHttp2 } from "./mutated.ts";
import { resets } from "./resets.ts";
import { closedPeers, SLOW_CLIENTS, slowClients } from "./slow.ts";
import type { Attack } from "./target.ts";
import { HELD_STREAMS } from "./windows.ts";

export interface AttackPlan {
  readonly count: number;
  readonly run: Attack;
  /** Processes that share the count: each has its own descriptors. One when absent. */
  readonly processes?: number;
  /** The gateway's limit of descriptors, which the attack uses up. */
  readonly descriptors?: number;
  /** The listeners that refuse new connections meanwhile: the logins and probes use kept ones. */
  readonly full?: readonly ("public" | "internal")[];
}

export const ATTACKS = {
  "frames-public": { count: 30_000, run: frameSequences("publicUrl") },
  "frames-internal": { count: 30_000, run: frameSequences("internalUrl") },
  resets: { count: 800, run: resets },
  "mutated-http1": { count: 200_000, run: mutatedHttp1 },
  "mutated-http2": { count: 200_000, run: mutatedHttp2 },
  "slow-headers": { count: 5_000, run: slowClients(SLOW_CLIENTS["slow-headers"]) },
  "silent-headers": { count: 5_000, run: slowClients(SLOW_CLIENTS["silent-headers"]) },
  "slow-bodies": { count: 5_000, run: slowClients(SLOW_CLIENTS["slow-bodies"]) },
  "silent-bodies": { count: 5_000, run: slowClients(SLOW_CLIENTS["silent-bodies"]) },
  "slow-chunks": { count: 5_000, run: slowClients(SLOW_CLIENTS["slow-chunks"]) },
  "slow-trailers": { count: 5_000, run: slowClients(SLOW_CLIENTS["slow-trailers"]) },
  "broken-chunks": { count: 5_000, run: slowClients(SLOW_CLIENTS["broken-chunks"]) },
  "unknown-encoding": { count: 5_000, run: slowClients(SLOW_CLIENTS["unknown-encoding"]) },
  "crlf-after-answer": { count: 5_000, run: slowClients(SLOW_CLIENTS["crlf-after-answer"]) },
  "unread-document": { count: 5_000, run: slowClients(SLOW_CLIENTS["unread-document"]) },
  "unread-pipeline": { count: 200, run: slowClients(SLOW_CLIENTS["unread-pipeline"]) },
  "unread-logins": { count: 5_000, run: slowClients(SLOW_CLIENTS["unread-logins"]) },
  "closed-peers": { count: 3_000, run: closedPeers },
  "idle-connections": { count: 20_000, run: idleConnections, processes: 2, full: ["public"] },
  "one-address": { count: 3_000, run: oneAddress },
  "no-descriptors": { count: 4_000, run: noDescriptors, descriptors: 3_000, full: ["public", "internal"] },
  "rapid-reset": { count: 100_000, run: FLOODS["rapid-reset"] },
  "continuation-flood": { count: 100_000, run: FLOODS["continuation-flood"] },
  "settings-flood": { count: 200_000, run: FLOODS["settings-flood"] },
  "settings-flood-unread": { count: 200_000, run: FLOODS["settings-flood-unread"] },
  "ping-flood": { count: 200_000, run: FLOODS["ping-flood"] },
  "ping-flood-unread": { count: 200_000, run: FLOODS["ping-flood-unread"] },
  "hpack-bombs": { count: 10_000, run: FLOODS["hpack-bombs"] },
  "empty-data": { count: 200_000, run: FLOODS["empty-data"] },
  "data-flood": { count: 20_000, run: FLOODS["data-flood"] },
  "window-0-documents": { count: 2_000, run: HELD_STREAMS["window-0-documents"] },
  "window-0-404": { count: 2_000, run: HELD_STREAMS["window-0-404"] },
  "window-0-logins": { count: 2_000, run: HELD_STREAMS["window-0-logins"] },
  "window-0-reflection": { count: 2_000, run: HELD_STREAMS["window-0-reflection"] },
  "window-by-byte": { count: 500, run: HELD_STREAMS["window-by-byte"] },
  "half-bodies": { count: 500, run: HELD_STREAMS["half-bodies"] },
  "half-messages": { count: 500, run: HELD_STREAMS["half-messages"] },
  "slow-bodies-http2": { count: 500, run: HELD_STREAMS["slow-bodies-http2"] },
  "half-headers-http2": { count: 2_000, run: HELD_STREAMS["half-headers-http2"] },
} satisfies Readonly<Record<string, AttackPlan>>;

export type AttackName = keyof typeof ATTACKS;

/** @throws Error for an unknown name */
export function readAttackName(text: string): AttackName {
  if (isAttackName(text)) return text;
  throw new Error(`${text} is no attack. Write one of ${Object.keys(ATTACKS).join(", ")}`);
}

function isAttackName(text: string): text is AttackName {
  return Object.hasOwn(ATTACKS, text);
}

export function planOf(name: AttackName): AttackPlan {
  return ATTACKS[name];
}
