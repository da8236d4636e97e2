// The contract of every store (core/ports.ts, core/registry/ports.ts), as one suite.

import { describe } from "vitest";
import { describeActivity } from "./store-activity.ts";
import { describeAuditLog } from "./store-audit.ts";
import { describeCredentials } from "./store-credentials.ts";
import { describeCustomerKeys } from "./store-customer-keys.ts";
import { describeFailures } from "./store-failures.ts";
import { describeFleet } from "./store-fleet.ts";
import { describeImport } from "./store-import.ts";
import { describeLists } from "./store-lists.ts";
import { describeRows } from "./store-rows.ts";
import type { Open } from "./store-samples.ts";
import { describeSigningKeys } from "./store-signing-keys.ts";
import { describeTokens } from "./store-tokens.ts";

/** Runs the suite. Each store of `open` starts empty and is removed when the test ends. */
export function storeContract(name: string, open: Open): void {
  describe(`${name} as a CredentialStore`, () => describeCredentials(open));
  describe(`${name} as a CustomerStore and a DeviceStore`, () => describeRows(open));
  describe(`${name} as a CustomerKeyStore`, () => describeCustomerKeys(open));
  describe(`${name} as a DeviceStore with many devices`, () => {
    describeLists(open);
    describeImport(open);
  });
  describe(`${name} as an ActivityStore`, () => describeActivity(open));
  describe(`${name} as an AuditLog`, () => describeAuditLog(open));
  describe(`${name} as a SigningKeyStore`, () => describeSigningKeys(open));
  describe(`${name} as a FleetStore`, () => describeFleet(open));
  describe(`${name} as a store of tokens`, () => describeTokens(open));
  describe(`${name} that fails`, () => describeFailures(open));
}
