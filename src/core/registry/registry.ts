// The registry: the operator's use cases, gathered.

import { type AuditTrail, type AuditTrailDependencies, createAuditTrail } from "./audit.ts";
import { type CustomerKeys, type CustomerKeysDependencies, createCustomerKeys } from "./customer-keys.ts";
import { type Customers, type CustomersDependencies, createCustomers } from "./customers.ts";
import { createDeviceImport, type DeviceImport } from "./device-import.ts";
import { createDevices, type Devices, type DevicesDependencies } from "./devices.ts";
import { createFleet, type Fleet, type FleetDependencies } from "./fleet.ts";
import { createOperators, type Operators, type OperatorsDependencies } from "./operators.ts";
import { createSessions, type Sessions, type SessionsDependencies } from "./sessions.ts";
import { createTokens, type Tokens, type TokensDependencies } from "./tokens.ts";

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

export type RegistryDependencies = CustomersDependencies &
  CustomerKeysDependencies &
  DevicesDependencies &
  TokensDependencies &
  FleetDependencies &
  OperatorsDependencies &
  Omit<SessionsDependencies, "operators"> &
  AuditTrailDependencies;

/** Creates the use cases over their ports. Each throws AuthError: `malformed`, or an error of its store. */
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
    sessions: createSessions({ ...dependencies, operators }),
    audit: createAuditTrail(dependencies),
  };
}
