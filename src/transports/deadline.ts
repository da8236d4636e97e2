// How long a caller is ready to wait, as each protocol writes it. Knows headers alone.

import { malformed } from "../core/errors.ts";

/** Nobody waits longer than this for a unary call, in milliseconds: more is taken for this. */
export const LONGEST_MS = 60_000;

const GRPC_UNITS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** What Connect's `connect-timeout-ms` comes to, in milliseconds, clamped. @throws AuthError `malformed` */
export function readConnectTimeout(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (typeof header !== "string" || !/^\d{1,10}$/.test(header)) {
    throw malformed("connect-timeout-ms is not a whole number of at most 10 digits");
  }
  return Math.min(Number(header), LONGEST_MS);
}

/** What gRPC's `grpc-timeout` comes to, in milliseconds, clamped. @throws AuthError `malformed` */
export function readGrpcTimeout(header: string | string[] | null | undefined): number | undefined {
  if (header === undefined || header === null) return undefined;
  const [, amount, unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(String(header)) ?? [];
  if (amount === undefined) throw malformed("grpc-timeout is not at most 8 digits and a unit of H M S m u or n");
  return Math.min(Math.ceil(Number(amount) * (GRPC_UNITS[unit] ?? 1)), LONGEST_MS);
}

/**
 * Writes gRPC's deadline in a call's headers as Connect's router reads it, clamped: that refuses what it cannot read, or
 * finds too long, in words of its own.
 * @throws AuthError `malformed` for one that is not of the protocol's form
 */
export function clampDeadline(headers: Headers): void {
  const timeoutMs = readGrpcTimeout(headers.get("grpc-timeout"));
  if (timeoutMs !== undefined) headers.set("grpc-timeout", `${timeoutMs}m`);
}
