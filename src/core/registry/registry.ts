// The registry: the operator's use-cases, gathered.

import { type AuditTrail, createAuditTrail } from "./audit.ts";
import { type CustomerKeys, createCustomerKeys } from "./customer-keys.ts";
import { type Customers, createCustomers } from "./customers.ts";
import { createDeviceImport, type DeviceImport } from "./device-import.ts";
import { createDevices, type Devices } from "./devices.ts";
import { createFleet, type Fleet, type FleetStore } from "./fleet.ts";
import { createOperators, type OperatorStore, type Operators } from "./operators.ts";
import type { CustomerKeyStore, CustomerStore, DeviceStore } from "./ports.ts";
import type { AuditLog, RevokedTokenStore } from "./record-ports.ts";
import { createSessions, type SessionSealer, type Sessions, type SignInCodeStore } from "./sessions.ts";
import { createTokens, type Tokens } from "./tokens.ts";

export interface Registry {
  readonly customers: Customers;
  readonly customerKeys: CustomerKeys;
  readonly devices: Devices;
  readonly deviceImport: DeviceImport;
  readonly tokens: Tokens;
  readonly fleet: Fleet;
  readonly operators: Operators;
  readonly sessions: Sessions;
  readonly audit: AuditTrail;
}

export interface RegistryDependencies {
  readonly customers: CustomerStore;
  readonly customerKeys: CustomerKeyStore;
  readonly devices: DeviceStore;
  readonly revokedTokens: RevokedTokenStore;
  readonly fleet: FleetStore;
  readonly operators: OperatorStore;
  readonly signInCodes: SignInCodeStore;
  readonly sealer: SessionSealer;
  /** The admin tokens of the settings, by setting. */
  readonly settingsTokens?: ReadonlyMap<string, string>;
  readonly audit: AuditLog;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Builds the use-cases over their ports. Each throws AuthError: `malformed`, or what the store refuses. */
export function createRegistry(dependencies: RegistryDependencies): Registry {
  const operators = createOperators(dependencies);
  return {
    customers: createCustomers(dependencies),
    customerKeys: createCustomerKeys(dependencies),
    devices: createDevices(dependencies),
    deviceImport: createDeviceImport(dependencies),
    tokens: createTokens(dependencies),
    fleet: createFleet(dependencies),
    operators,
    sessions: createSessions({ ...dependencies, operators, codes: dependencies.signInCodes }),
    audit: createAuditTrail(dependencies),
  };
}
