// A look-up as a login makes it, with nothing kept from before.

import type { Lookup } from "../../src/core/ports.ts";
import { createCredentialCache } from "../../src/store/cache.ts";
import type { Store } from "../../src/store/sql.ts";

/** Finds a device in a store. */
export function look({ credentials }: Pick<Store, "credentials">, deviceKey: string, now: number): Promise<Lookup> {
  return createCredentialCache(credentials, { capacity: 1, ttlMs: 0, isSure: () => false, isRecent: () => false }).find(
    deviceKey,
    now,
  );
}
