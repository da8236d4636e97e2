// Customers: the owners of devices.

import { randomBytes } from "node:crypto";
import { AuthError, malformed } from "../errors.ts";
import { markRevocation } from "../ids.ts";
import { readLimit } from "../limit-text.ts";
import { type AuditDetails, type AuditedResource, changedDetails, createAuditEntry } from "./audit.ts";
import { doesNotExist, readCustomerId, readDisplayName } from "./names.ts";
import { type Listing, type ListRequest, listPage, requireVersion } from "./pages.ts";
import type { Actor, Customer, CustomerStore, Status, StoredCustomer } from "./ports.ts";

/** Changes to a customer; an absent field stays, or has its default. */
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

export interface Customers {
  create(draft: CustomerDraft, actor: Actor): Promise<StoredCustomer>;
  get(customerId: string): Promise<StoredCustomer>;
  list(request: ListRequest): Promise<Listing<StoredCustomer>>;
  /** With an etag that is not empty, only that version is changed; else AuthError `etag_mismatch`. */
  update(customerId: string, patch: CustomerPatch, etag: string, actor: Actor): Promise<StoredCustomer>;
  delete(customerId: string, etag: string, actor: Actor): Promise<void>;
  /** Revokes the tokens that its devices have. */
  revokeTokens(customerId: string, actor: Actor): Promise<StoredCustomer>;
}

export interface CustomersDependencies {
  readonly customers: CustomerStore;
  readonly now: () => number;
}

const FIELDS = {
  customer_id: "text",
  display_name: "text",
  status: ["enabled", "disabled"],
  create_time: "time",
} as const;

/** Each use case throws AuthError: `malformed`, or an error of the store. */
export function createCustomers({ customers, now }: CustomersDependencies): Customers {
  return {
    async create({ customerId: given, ...patch }, actor) {
      const customerId = given === "" ? randomBytes(8).toString("hex") : readCustomerId(given);
      const defaults = { displayName: "", status: "enabled", loginLimit: "", tokensNotBefore: 0 } as const;
      const customer = { ...defaults, ...readPatch(patch), customerId };
      const entry = createAuditEntry(actor, now(), "CreateCustomer", resourceOf(customerId), detailsOf(customer));
      return customers.insert(customer, entry);
    },

    get: (customerId) => requireCustomer(customers, customerId),

    list: (request) => listPage(FIELDS, request, (page) => customers.list(page), now()),

    async update(customerId, patch, etag, actor) {
      const checked = readPatch(patch);
      return customers.update(readCustomerId(customerId), (current) => {
        requireVersion(current, etag, "customer");
        const at = now();
        const next = { ...current, ...checked };
        const details = changedDetails(detailsOf(current), detailsOf(next));
        if (details === undefined) return undefined;
        // Its devices' tokens stay revoked when it is enabled again.
        const ends = details["status"] === "disabled";
        const tokensNotBefore = ends ? markRevocation(current.tokensNotBefore, at) : current.tokensNotBefore;
        const entry = createAuditEntry(actor, at, "UpdateCustomer", resourceOf(customerId), details);
        return { next: { ...next, tokensNotBefore }, entry };
      });
    },

    async delete(customerId, etag, actor) {
      await customers.delete(readCustomerId(customerId), (current) => {
        requireVersion(current, etag, "customer");
        return createAuditEntry(actor, now(), "DeleteCustomer", resourceOf(customerId));
      });
    },

    async revokeTokens(customerId, actor) {
      return customers.update(readCustomerId(customerId), (current) => {
        const at = now();
        const tokensNotBefore = markRevocation(current.tokensNotBefore, at);
        const details = { tokens_not_before: new Date(tokensNotBefore).toISOString() };
        const entry = createAuditEntry(actor, at, "RevokeCustomerTokens", resourceOf(customerId), details);
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
      "login_limit is no limit. Write off or a number of logins and a slash and a window of at most 1h such as 60s",
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
