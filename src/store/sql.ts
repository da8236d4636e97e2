// The ports of the core over one SQL database. Knows which query is whose.

import type { CredentialStore } from "../core/ports.ts";
import type { AuditLog } from "../core/registry/audit.ts";
import type { FleetStore } from "../core/registry/fleet.ts";
import type { OperatorStore } from "../core/registry/operators.ts";
import type { ActivityStore, CustomerKeyStore, CustomerStore, DeviceStore } from "../core/registry/ports.ts";
import type { SecretStore } from "../core/registry/secrets.ts";
import type { SessionSealer, SignInCodeStore } from "../core/registry/sessions.ts";
import type { RevokedTokenStore } from "../core/registry/tokens.ts";
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
import { createSignInCodeStore } from "./registry/sign-in-codes.ts";
import { createRevokedTokenStore } from "./revoked-tokens.ts";
import type { Sealer } from "./sealing.ts";
import { createSecretStore } from "./secrets.ts";
import { createSigningKeyStore } from "./signing-keys.ts";

export interface Store {
  readonly credentials: CredentialStore;
  readonly customers: CustomerStore;
  readonly customerKeys: CustomerKeyStore;
  readonly devices: DeviceStore;
  readonly audit: AuditLog;
  readonly activity: ActivityStore;
  readonly signingKeys: SigningKeyStore;
  readonly revokedTokens: RevokedTokenStore;
  readonly fleet: FleetStore;
  readonly operators: OperatorStore;
  readonly signInCodes: SignInCodeStore;
  /** Seals sessions; secrets at rest are sealed by their stores. */
  readonly sealer: SessionSealer;
  readonly secrets: SecretStore;
}

/** Everything that is kept in a database, its secrets sealed. `onFault` is notified of each that does not open. */
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
    signInCodes: createSignInCodeStore(database),
    sealer,
    secrets: createSecretStore(database, sealer),
  };
}
