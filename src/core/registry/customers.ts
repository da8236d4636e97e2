// Customers: the owners of devices.

import { randomBytes } from "node:crypto";
import { AuthError, malformed } from "../errors.ts";
import { readLimit } from "../limit-text.ts";
import { readCustomerId, readDisplayName } from "./names.ts";
import type { Customer, CustomerStore, Status, StoredCustomer } from "./ports.ts";
import { createResources, type ResourceKind, type Resources } from "./resources.ts";

/** Changes to a customer. An absent field is unchanged; in a new customer it gets its default. */
export interface CustomerPatch {
  readonly displayName?: string | undefined;
  readonly status?: Status | undefined;
  /** `20/60s` or `off`; empty: the gateway's own. */
  readonly loginLimit?: string | undefined;
}

export interface CustomerDraft extends CustomerPatch {
  /** Empty: the gateway makes one. */
  readonly customerId: string;
}

export type Customers = Resources<CustomerDraft, CustomerPatch, StoredCustomer>;

const KIND: ResourceKind<CustomerDraft, CustomerPatch, Customer> = {
  row: "customer",
  noun: "Customer",
  fields: { customer_id: "text", display_name: "text", status: ["enabled", "disabled"], create_time: "time" },
  readName: readCustomerId,
  readPatch,
  create({ customerId: given, ...patch }) {
    const customerId = given === "" ? randomBytes(8).toString("hex") : readCustomerId(given);
    const { displayName = "", status = "enabled", loginLimit = "" } = readPatch(patch);
    return { customerId, displayName, status, loginLimit, tokensNotBefore: 0 };
  },
  apply(current, patch) {
    const { displayName = current.displayName, status = current.status, loginLimit = current.loginLimit } = patch;
    return { ...current, displayName, status, loginLimit };
  },
  resourceOf: ({ customerId }) => ({ resource: `customers/${customerId}`, customerId }),
  detailsOf: ({ displayName, status, loginLimit }) => ({
    display_name: displayName,
    status,
    login_limit: loginLimit,
  }),
};

/** `now` in Unix milliseconds. */
export function createCustomers(customers: CustomerStore, now: () => number): Customers {
  return createResources(KIND, customers, now);
}

/** Creates the error of a deletion that would leave devices without their customer. */
export function hasDevices(): AuthError {
  return new AuthError("failed_precondition", "this customer has devices. Delete them first");
}

function readPatch({ displayName, status, loginLimit }: CustomerPatch): CustomerPatch {
  return {
    displayName: displayName && readDisplayName(displayName),
    status,
    loginLimit: loginLimit && readLoginLimit(loginLimit),
  };
}

function readLoginLimit(text: string): string {
  try {
    readLimit("login", text);
    return text;
  } catch {
    throw malformed(
      "login_limit is not a limit. Write off or a number of logins and a slash and a window of at most 1h such as 60s",
      "login_limit",
    );
  }
}
