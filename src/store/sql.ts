// The ports of the core over one SQL database. Knows which query is whose.

import type { Kysely } from "kysely";
import type { CredentialStore, RegistryStore, SigningKeyStore } from "../core/ports.ts";
import { createCredentialStore } from "./credentials.ts";
import { createRegistryStore } from "./registry.ts";
import type { Schema } from "./schema.ts";
import type { Sealer } from "./sealing.ts";
import { createSigningKeyStore } from "./signing-keys.ts";

export type Store = CredentialStore & RegistryStore & SigningKeyStore;

/** Everything that is kept in a database, its secrets sealed. */
export function createStore(db: Kysely<Schema>, sealer: Sealer, onFault: (error: unknown) => void = () => {}): Store {
  return {
    ...createCredentialStore(db, sealer, onFault),
    ...createRegistryStore(db, sealer),
    ...createSigningKeyStore(db, sealer),
  };
}
