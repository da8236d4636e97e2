// Builds the stores of the core's ports over one SQL database.

import type { ActivityStore } from "../core/activity.ts";
import type { CredentialStore } from "../core/ports.ts";
import type { RegistryDependencies } from "../core/registry/registry.ts";
import type { SecretStore } from "../core/registry/secrets.ts";
import type { SigningKeyStore } from "../core/tokens/ports.ts";
import { createCredentialStore } from "./credentials.ts";
import type { Database } from "./database.ts";
import { createActivityStore } from "./registry/activity.ts";
import { createAuditLog } from "./registry/audit.ts";
import { createCustomerKeyStore } from "./registry/customer-keys.ts";
import { createCustomerStore } from "./registry/customers.ts";
import { createDeviceStore } from "./registry/devices.ts";
import { createFleetStore } from "./registry/fleet.ts";
import { createOperatorStore } from "./registry/operators.ts";
import { createRevokedTokenStore } from "./revoked-tokens.ts";
import type { Sealer } from "./sealing.ts";
import { createSecretStore } from "./secrets.ts";
import { createSigningKeyStore } from "./signing-keys.ts";

/** The stores over one database. */
export interface Store extends Omit<RegistryDependencies, "settingsTokens" | "now"> {
  readonly credentials: CredentialStore;
  readonly activity: ActivityStore;
  readonly signingKeys: SigningKeyStore;
  readonly secrets: SecretStore;
}

/** Creates all stores. `onFault` is called for each secret that cannot be unsealed. */
export function createStore(database: Database, sealer: Sealer, onFault: (error: unknown) => void = () => {}): Store {
  return {
    credentials: createCredentialStore(database, sealer, onFault),
    customers: createCustomerStore(database),
    customerKeys: createCustomerKeyStore(database, sealer, onFault),
    devices: createDeviceStore(database),
    audit: createAuditLog(database),
    activity: createActivityStore(database),
    signingKeys: createSigningKeyStore(database, sealer),
    revokedTokens: createRevokedTokenStore(database),
    fleet: createFleetStore(database),
    operators: createOperatorStore(database),
    secrets: createSecretStore(database, sealer),
  };
}
