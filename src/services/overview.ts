// The overview: fleet, this gateway's logins, and the state of its parts.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { OverviewSchema } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuthError } from "../core/errors.ts";
import type { Fleet } from "../core/registry/fleet.ts";
import { partStates, writeTime } from "./admin-messages.ts";

type State = Parameters<typeof partStates.write>[0];

export interface OverviewParts {
  readonly fleet: Pick<Fleet, "summarize">;
  /** Returns no states while the gateway drains. */
  readonly checkParts: () => Promise<Partial<Readonly<Record<"limits" | "store" | "signer", State>>>>;
  readonly version: string;
  /** Unix milliseconds. */
  readonly now: () => number;
}

export interface Overview {
  /** Counts a login. */
  count(outcome: string): void;
  /** Reads the overview, with the logins of the intervals that are over. */
  read(): Promise<MessageInitShape<typeof OverviewSchema>>;
}

const INTERVAL_MS = 5_000;
const INTERVALS = 720;

/** Creates the overview. */
export function createOverview({ fleet, checkParts, version, now }: OverviewParts): Overview {
  const rings = new Map<string, Uint32Array>();
  /** The number of the present interval, counted from 1970. */
  let current = Math.floor(now() / INTERVAL_MS);

  /** Clears the intervals that began since the last call. After a step backward the newest interval continues. */
  function advance(): void {
    const number = Math.floor(now() / INTERVAL_MS);
    const from = Math.max(current + 1, number - INTERVALS);
    for (let each = from; each <= number; each++) for (const ring of rings.values()) ring[each % (INTERVALS + 1)] = 0;
    current = Math.max(current, number);
  }

  return {
    count(outcome) {
      advance();
      const ring = rings.get(outcome) ?? new Uint32Array(INTERVALS + 1);
      rings.set(outcome, ring);
      const index = current % (INTERVALS + 1);
      ring[index] = (ring[index] ?? 0) + 1;
    },

    async read() {
      const { limits = "ok", store = "ok", signer = "ok" } = await checkParts();
      const summary = store === "unavailable" ? undefined : await fleet.summarize().catch(ignoreOutage);
      advance();
      const first = current - INTERVALS;
      const countsOf = (ring: Uint32Array): number[] =>
        Array.from({ length: INTERVALS }, (_, at) => ring[(first + at) % (INTERVALS + 1)] ?? 0);
      return {
        ...(summary && { fleet: { ...summary, countTime: writeTime(summary.countedAt) } }),
        logins: [...rings].map(([outcome, ring]) => ({ outcome, counts: countsOf(ring) })),
        loginsStartTime: writeTime(first * INTERVAL_MS),
        intervalSeconds: INTERVAL_MS / 1_000,
        limits: partStates.write(limits),
        store: partStates.write(store),
        signer: partStates.write(signer),
        version,
      };
    },
  };
}

/** Leaves the database's part empty during an outage: the overview is needed most then. */
function ignoreOutage(error: unknown): undefined {
  if (error instanceof AuthError && error.reason === "unavailable") return undefined;
  throw error;
}
