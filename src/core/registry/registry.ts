// The registry: the operator's use cases, gathered.

import { type AuditLog, createListAuditEvents, type ListAuditEvents } from "./audit.ts";
import { type CustomerKeys, type CustomerKeysDependencies, createCustomerKeys } from "./customer-keys.ts";
import { type Customers, type CustomersDependencies, createCustomers } from "./customers.ts";
import { createImportDevices, type ImportDevices } from "./device-import.ts";
import { createDevices, type Devices, type DevicesDependencies } from "./devices.ts";
import { createFleet, type Fleet, type FleetDependencies } from "./fleet.ts";
import { createOperators, type Operators, type OperatorsDependencies } from "./operators.ts";
import { createSessions, type Sessions, type SessionsDependencies } from "./sessions.ts";
import { createRevokeToken, type RevokedTokenStore, type RevokeToken } from "./tokens.ts";

export interface Registry {
  readonly customers: Customers;
  readonly customerKeys: CustomerKeys;
  readonly devices: Devices;
  readonly importDevices: ImportDevices;
  readonly revokeToken: RevokeToken;
  readonly fleet: Fleet;
  readonly operators: Operators;
  readonly sessions: Sessions;
  readonly listAuditEvents: ListAuditEvents;
}

export type RegistryDependencies = CustomersDependencies &
  CustomerKeysDependencies &
  DevicesDependencies &
  FleetDependencies &
  OperatorsDependencies &
  Omit<SessionsDependencies, "operators"> & { readonly revokedTokens: RevokedTokenStore; readonly audit: AuditLog };

/** Creates the use cases over their ports. Each throws AuthError: `malformed`, or an error of its store. */
export function createRegistry(dependencies: RegistryDependencies): Registry {
  const operators = createOperators(dependencies);
  return {
    customers: createCustomers(dependencies),
    customerKeys: createCustomerKeys(dependencies),
    devices: createDevices(dependencies),
    importDevices: createImportDevices(dependencies.devices, dependencies.now),
    revokeToken: createRevokeToken(dependencies.revokedTokens, dependencies.now),
    fleet: createFleet(dependencies),
    operators,
    sessions: createSessions({ ...dependencies, operators }),
    listAuditEvents: createListAuditEvents(dependencies.audit, dependencies.now),
  };
}
