// Customers: the owners of devices.

import { randomBytes } from "node:crypto";
import { AuthError, malformed } from "../errors.ts";
import { readLimit } from "../limit-text.ts";
import { doesNotExist, readCustomerId, readDisplayName } from "./names.ts";
import type { AuditDetails, AuditedResource, Customer, CustomerStore, Status, StoredCustomer } from "./ports.ts";
import { changedDetails, listPage, type Resources, requireVersion } from "./resources.ts";
import { markRevocation } from "./revocation.ts";

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

const FIELDS = {
  customer_id: "text",
  display_name: "text",
  status: ["enabled", "disabled"],
  create_time: "time",
} as const;

/** `now` in unix milliseconds. */
export function createCustomers(customers: CustomerStore, now: () => number): Customers {
  return {
    async create({ customerId: given, ...patch }, actor) {
      const customerId = given === "" ? randomBytes(8).toString("hex") : readCustomerId(given);
      const defaults = { displayName: "", status: "enabled", loginLimit: "", tokensNotBefore: 0 } as const;
      const customer = { ...defaults, ...readPatch(patch), customerId };
      const details = detailsOf(customer);
      const entry = { actor, at: now(), action: "CreateCustomer", ...resourceOf(customerId), details };
      return customers.insert(customer, entry);
    },

    get: (customerId) => requireCustomer(customers, customerId),

    async list(request) {
      return listPage(FIELDS, request, (page) => customers.list(page), now());
    },

    async update(customerId, patch, etag, actor) {
      const checked = readPatch(patch);
      return customers.update(readCustomerId(customerId), (current) => {
        requireVersion(current, etag, "customer");
        const at = now();
        const next = { ...current, ...checked };
        const details = changedDetails(detailsOf(current), detailsOf(next));
        if (details === undefined) return undefined;
        // Disabling revokes the tokens for good: they stay revoked when the customer is enabled again.
        const ends = details["status"] === "disabled";
        const tokensNotBefore = ends ? markRevocation(current.tokensNotBefore, at) : current.tokensNotBefore;
        const entry = { actor, at, action: "UpdateCustomer", ...resourceOf(customerId), details };
        return { next: { ...next, tokensNotBefore }, entry };
      });
    },

    async delete(customerId, etag, actor) {
      await customers.delete(readCustomerId(customerId), (current) => {
        requireVersion(current, etag, "customer");
        return { actor, at: now(), action: "DeleteCustomer", ...resourceOf(customerId), details: {} };
      });
    },

    async revokeTokens(customerId, actor) {
      return customers.update(readCustomerId(customerId), (current) => {
        const at = now();
        const tokensNotBefore = markRevocation(current.tokensNotBefore, at);
        const details = { tokens_not_before: new Date(tokensNotBefore).toISOString() };
        const entry = { actor, at, action: "RevokeCustomerTokens", ...resourceOf(customerId), details };
        return { next: { ...current, tokensNotBefore }, entry };
      });
    },
  };
}

/** Reads a customer by name. @throws AuthError `malformed`, `does_not_exist` */
export async function requireCustomer(
  customers: Pick<CustomerStore, "find">,
  customerId: string,
): Promise<StoredCustomer> {
  const customer = await customers.find(readCustomerId(customerId));
  if (customer === undefined) throw doesNotExist("customer");
  return customer;
}

/** Creates the error of a deletion that would leave devices without their customer. */
export function hasDevices(): AuthError {
  return new AuthError("failed_precondition", "this customer has devices. Delete them first");
}

/** @throws AuthError `malformed` */
function readPatch({ displayName, status, loginLimit }: CustomerPatch): Partial<Customer> {
  return {
    ...(displayName !== undefined && { displayName: readDisplayName(displayName) }),
    ...(status !== undefined && { status }),
    ...(loginLimit !== undefined && { loginLimit: readLoginLimit(loginLimit) }),
  };
}

function readLoginLimit(text: string): string {
  if (text === "") return text;
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

function detailsOf({ displayName, status, loginLimit }: Customer): AuditDetails {
  return { display_name: displayName, status, login_limit: loginLimit };
}

function resourceOf(customerId: string): AuditedResource {
  return { resource: `customers/${customerId}`, customerId };
}
