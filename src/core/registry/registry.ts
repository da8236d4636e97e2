// The registry: all use cases of operators.

import { type AuditLog, createListAuditEvents } from "./audit.ts";
import { createCustomerKeys } from "./customer-keys.ts";
import { createCustomers } from "./customers.ts";
import { createImportDevices } from "./device-import.ts";
import { createDevices } from "./devices.ts";
import { createFleet, type FleetStore } from "./fleet.ts";
import { createOperators, type OperatorStore } from "./operators.ts";
import type { CustomerKeyStore, CustomerStore, DeviceStore } from "./ports.ts";
import { createRevokeToken, type RevokedTokenStore } from "./revocation.ts";
import { createSessions, type SessionSealer, type SignInCodeStore } from "./sessions.ts";

export type Registry = ReturnType<typeof createRegistry>;

export interface RegistryDependencies {
  readonly customers: CustomerStore;
  readonly customerKeys: CustomerKeyStore;
  readonly devices: DeviceStore;
  readonly fleet: FleetStore;
  readonly operators: OperatorStore;
  readonly signInCodes: SignInCodeStore;
  readonly revokedTokens: RevokedTokenStore;
  readonly audit: AuditLog;
  readonly sealer: SessionSealer;
  /** The admin tokens of the settings, by setting. */
  readonly settingsTokens?: ReadonlyMap<string, string>;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Creates the use cases over their ports. Each throws AuthError: `malformed`, or an error of its store. */
export function createRegistry(ports: RegistryDependencies) {
  const { now } = ports;
  const operators = createOperators(ports.operators, ports.settingsTokens ?? new Map(), now);
  return {
    customers: createCustomers(ports.customers, now),
    customerKeys: createCustomerKeys(ports.customers, ports.customerKeys, now),
    devices: createDevices(ports.devices, ports.customerKeys, ports.audit, now),
    importDevices: createImportDevices(ports.devices, now),
    revokeToken: createRevokeToken(ports.revokedTokens, now),
    fleet: createFleet(ports.fleet, now),
    operators,
    sessions: createSessions({ ...ports, operators }),
    listAuditEvents: createListAuditEvents(ports.audit, now),
  };
}
