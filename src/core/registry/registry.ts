// The registry: all use cases of operators.

import { type CustomerKeys, createCustomerKeys } from "./customer-keys.ts";
import { type Customers, createCustomers } from "./customers.ts";
import { createImportDevices, type ImportDevices } from "./device-import.ts";
import { createDevices, type Devices } from "./devices.ts";
import { createFleet, type Fleet, type FleetStore } from "./fleet.ts";
import { type Listing, type ListRequest, listPage } from "./lists.ts";
import { createOperators, type OperatorStore, type Operators } from "./operators.ts";
import type { AuditEvent, AuditLog, CustomerKeyStore, CustomerStore, DeviceStore } from "./ports.ts";
import { createRevokeToken, type RevokedTokenStore, type RevokeToken } from "./revocation.ts";

/** Each use case throws AuthError: `malformed`, or an error of its store. */
export interface Registry {
  readonly customers: Customers;
  readonly customerKeys: CustomerKeys;
  readonly devices: Devices;
  readonly importDevices: ImportDevices;
  readonly revokeToken: RevokeToken;
  readonly fleet: Fleet;
  readonly operators: Operators;
  /** The newest first. */
  listAuditEvents(request: ListRequest): Promise<Listing<AuditEvent>>;
}

export interface RegistryDependencies {
  readonly customers: CustomerStore;
  readonly customerKeys: CustomerKeyStore;
  readonly devices: DeviceStore;
  readonly fleet: FleetStore;
  readonly operators: OperatorStore;
  readonly revokedTokens: RevokedTokenStore;
  readonly audit: AuditLog;
  /** The admin tokens of the settings, by the setting's name. */
  readonly settingsTokens?: ReadonlyMap<string, string>;
  /** Unix milliseconds. */
  readonly now: () => number;
}

const AUDIT_FIELDS = {
  action: "text",
  resource: "text",
  customer_id: "text",
  operator: "text",
  token_id: "text",
  time: "time",
} as const;

export function createRegistry(ports: RegistryDependencies): Registry {
  const { now } = ports;
  const customers = createCustomers(ports.customers, now);
  return {
    customers,
    customerKeys: createCustomerKeys(customers, ports.customerKeys, now),
    devices: createDevices(ports.devices, ports.customerKeys, ports.audit, now),
    importDevices: createImportDevices(ports.devices, now),
    revokeToken: createRevokeToken(ports.revokedTokens, now),
    fleet: createFleet(ports.fleet, now),
    operators: createOperators(ports.operators, ports.settingsTokens ?? new Map(), now),
    listAuditEvents: (request) => listPage(AUDIT_FIELDS, request, ports.audit.list, now()),
  };
}
