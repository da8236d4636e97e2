// The guard of AdminService with one admin token, as the settings give it.

import { createOperators, type OperatorStore } from "../src/core/registry/operators.ts";
import type { Guard } from "../src/protocols/call.ts";
import { createAdminGuard } from "../src/services/admin-guard.ts";

/** No token was issued. */
const EMPTY: OperatorStore = {
  insert: async () => {},
  find: async () => undefined,
  findByHash: async () => undefined,
  list: async () => [],
  revoke: async () => {
    throw new TypeError("there is no token to revoke");
  },
};

/** A guard that admits the holder of one token. */
export function guardOf(token: string): Guard {
  const settingsTokens = new Map([["COUNTERSIGN_ADMIN_TOKEN", token]]);
  const operators = createOperators(EMPTY, settingsTokens, () => 0);
  return createAdminGuard(operators, operators, false);
}
