// AdminService.GetOverview: how the fleet and this gateway are.

import type { ServiceImpl } from "@connectrpc/connect";
import type { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuthError } from "../core/errors.ts";
import type { Fleet } from "../core/registry/fleet.ts";
import { partStates, writeTime } from "./admin-messages.ts";

/** The parts of the gateway that the overview reads. */
export interface OverviewParts {
  readonly readLogins: () => {
    readonly startedAt: number;
    readonly intervalMs: number;
    readonly byOutcome: ReadonlyMap<string, readonly number[]>;
  };
  /** Without states while the gateway drains. */
  readonly checkParts: () => Promise<
    Partial<Readonly<Record<"limits" | "store" | "signer", "ok" | "degraded" | "unavailable">>>
  >;
  readonly version: string;
}

/** Creates the method. */
export function createGetOverview(
  fleet: Pick<Fleet, "summarize">,
  { readLogins, checkParts, version }: OverviewParts,
): ServiceImpl<typeof AdminService>["getOverview"] {
  return async () => {
    const { limits = "ok", store = "ok", signer = "ok" } = await checkParts();
    const summary = store === "unavailable" ? undefined : await fleet.summarize().catch(ignoreOutage);
    const { startedAt, intervalMs, byOutcome } = readLogins();
    return {
      ...(summary && { fleet: { ...summary, countTime: writeTime(summary.countedAt) } }),
      logins: [...byOutcome].map(([outcome, counts]) => ({ outcome, counts: [...counts] })),
      loginsStartTime: writeTime(startedAt),
      intervalSeconds: intervalMs / 1_000,
      limits: partStates.write(limits),
      store: partStates.write(store),
      signer: partStates.write(signer),
      version,
    };
  };
}

/** The overview is needed most while the database is away. */
function ignoreOutage(error: unknown): undefined {
  if (error instanceof AuthError && error.reason === "unavailable") return undefined;
  throw error;
}
