// What every transport is given: the services, and who hears of what no service sees. Knows no protocol.

import type { ServiceImplSpec } from "@connectrpc/connect";
import type { AuthError } from "../core/errors.ts";
import type { Caller } from "../core/login.ts";

export interface TransportOptions {
  readonly services: readonly ServiceImplSpec[];
  /** Hears of each refusal that no handler has seen, and of each `internal` one. */
  readonly onRefused: (error: AuthError, caller: Caller) => void;
  /** Hears of an answer that failed altogether: a bug. */
  readonly onFault: (error: unknown) => void;
}
