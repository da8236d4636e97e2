// What this gateway itself admitted in the last window: what it decides by alone, and what a store that lost its logs is
// told. Knows no store, and no clock: times are microseconds of the store's clock, as well as it is known here.

import { LRUCache } from "lru-cache";
import type { Charge, Policy, PolicyName, PolicyState, Verdict } from "../ports.ts";
import {
  type Admission,
  type Admissions,
  addAdmission,
  countAfter,
  forgetAdmissions,
  instantOf,
  isTold,
  markTold,
  readAdmissions,
  removeUntold,
  shiftUntold,
} from "./admissions.ts";

/** As many keys are remembered of each policy; past it the one least recently charged is forgotten. */
const CAPACITY = 100_000;

/** An admission that the store wrote. */
export interface Receipt {
  /** When, by the store's clock. */
  readonly at: number;
  /** Which of the logs that a key had one after another it was written to; 0 where the store does not tell them apart. */
  readonly generation: number;
}

/** What this gateway admitted of one key, oldest first. */
export interface ShadowLog extends Charge {
  readonly generation: number;
  readonly admissions: readonly Admission[];
}

export interface Shadow {
  /** Remembers what the store admitted; a charge without a receipt was not. */
  record(charges: readonly Charge[], receipts: readonly (Receipt | undefined)[]): void;
  /** Remembers what was admitted without the store. */
  admit(charges: readonly Charge[], at: number): void;
  /** The store did write what was admitted without it at `at`: from now on it is dated as there. */
  settle(charges: readonly Charge[], at: number, receipts: readonly (Receipt | undefined)[]): void;
  /** How many of a charge's key this gateway has in its window. */
  used(charge: Charge, at: number): number;
  /** Where charges stand by this gateway's share of each limit. */
  read(charges: readonly Charge[], at: number): Verdict;
  /** What the store has to be told: all that is in its window, or only what it was never told of; each as it is when taken. */
  list(what: "all" | "untold", at: number): Iterable<ShadowLog>;
  /** How many logs have something that the store was never told of. */
  untold(): number;
  /** The store was told of all that is in `log`. */
  told(log: ShadowLog, generation: number): void;
  /** Moves what the store was never told of: its clock, or its estimate here, was off by so much. */
  shift(by: number): void;
}

interface Kept {
  policy: Policy;
  readonly key: string;
  generation: number;
  readonly list: Admissions;
}

/**
 * A shadow of fixed size.
 * @param instances how many gateways share the limits: each decides alone by that share of them, at least one
 */
export function createShadow(instances: number, capacity: number = CAPACITY): Shadow {
  // Bounded by the tables, since what these forget goes from here too.
  const untold = new Set<Kept>();
  const create = (): LRUCache<string, Kept> =>
    new LRUCache({ max: capacity, dispose: (kept) => void untold.delete(kept) });
  const tables = { login: create(), failure: create(), address: create(), replay: create() } satisfies Record<
    PolicyName,
    LRUCache<string, Kept>
  >;

  const find = ({ policy, key }: Charge): Kept | undefined => tables[policy.name].get(key);

  function keep({ policy, key }: Charge): Kept {
    const table = tables[policy.name];
    const found = table.get(key);
    if (found === undefined) {
      const kept: Kept = { policy, key, generation: 0, list: [] };
      table.set(key, kept);
      return kept;
    }
    found.policy = policy;
    return found;
  }

  function add(charge: Charge, at: number, told: boolean): Kept {
    const kept = keep(charge);
    addAdmission(kept.list, charge.policy, at, told);
    if (!told) untold.add(kept);
    return kept;
  }

  function record(charges: readonly Charge[], receipts: readonly (Receipt | undefined)[]): void {
    for (let place = 0; place < charges.length; place++) {
      const charge = charges[place];
      const receipt = receipts[place];
      if (charge !== undefined && receipt !== undefined) add(charge, receipt.at, true).generation = receipt.generation;
    }
  }

  function used(charge: Charge, at: number): number {
    const kept = find(charge);
    if (kept === undefined) return 0;
    forgetAdmissions(kept.list, charge.policy, at);
    return countAfter(kept.list, at - charge.policy.windowMs * 1000);
  }

  function stateOf(charge: Charge, at: number): PolicyState {
    const { policy } = charge;
    const share = Math.max(1, Math.floor(policy.limit / instances));
    const window = policy.windowMs * 1000;
    const taken = used(charge, at);
    const leaving = instantOf(find(charge)?.list ?? [], at - window, Math.max(1, taken - share + 1));
    const reset = leaving === undefined ? 0 : Math.min(leaving + window - at, window);
    return { policy, remaining: Math.max(0, share - taken), resetMs: reset / 1000 };
  }

  return {
    record,

    admit(charges, at) {
      for (const charge of charges) add(charge, at, false);
    },

    settle(charges, at, receipts) {
      for (const [place, charge] of charges.entries()) {
        const kept = find(charge);
        if (receipts[place] !== undefined && kept !== undefined) removeUntold(kept.list, charge.policy, at);
      }
      record(charges, receipts);
    },

    used,

    read(charges, at) {
      const states = charges.map((charge) => stateOf(charge, at));
      return { denied: states.findIndex(({ remaining }) => remaining === 0), states };
    },

    *list(what, at) {
      const listed = what === "untold" ? [...untold] : Object.values(tables).flatMap((table) => [...table.values()]);
      for (const kept of listed) {
        const { policy, key, generation, list } = kept;
        forgetAdmissions(list, policy, at);
        if (isTold(list)) untold.delete(kept);
        if (list.length > 0) yield { policy, key, generation, admissions: readAdmissions(list) };
      }
    },

    untold: () => untold.size,

    told({ policy, key, admissions }, generation) {
      const kept = tables[policy.name].get(key);
      if (kept === undefined) return;
      kept.generation = generation;
      for (const one of admissions) markTold(kept.list, one);
      if (isTold(kept.list)) untold.delete(kept);
    },

    shift(by) {
      for (const { policy, list } of untold) shiftUntold(list, policy, by);
    },
  };
}
