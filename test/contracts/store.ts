// The contract of every store (core/ports.ts, core/registry/ports.ts), as one suite.

import { describe } from "vitest";
import { describeCustomerKeys } from "./store-customer-keys.ts";
import { describeFleet } from "./store-fleet.ts";
import { describeLists } from "./store-lists.ts";
import { describeLogins } from "./store-logins.ts";
import { describeRows } from "./store-rows.ts";
import type { Open } from "./store-samples.ts";
import { describeTokens } from "./store-tokens.ts";

/** Runs the suite. Each store of `open` starts empty and is removed when the test ends. */
export function storeContract(name: string, open: Open): void {
  describe(`${name}: logins`, () => describeLogins(open));
  describe(`${name}: customers and devices`, () => describeRows(open));
  describe(`${name}: customer keys`, () => describeCustomerKeys(open));
  describe(`${name}: lists`, () => describeLists(open));
  describe(`${name}: many devices`, () => describeFleet(open));
  describe(`${name}: tokens and their keys`, () => describeTokens(open));
}
