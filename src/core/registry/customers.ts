// Customers: who owns devices.

import { randomBytes } from "node:crypto";
import { malformed } from "../errors.ts";
import { markRevocation } from "../ids.ts";
import { readLimit } from "../limit-text.ts";
import { changedDetails, type Details, isChange } from "./audit.ts";
import { readCustomerId, readDisplayName } from "./names.ts";
import { type Listing, type ListRequest, listPage, requireVersion } from "./pages.ts";
import type { Actor, AuditEntry, Customer, CustomerStore, Status, StoredCustomer } from "./ports.ts";
import { noCustomer } from "./refusals.ts";

export interface CustomerDraft {
  /** Empty: the gateway makes one. */
  readonly customerId: string;
  readonly displayName: string;
  readonly status: Status;
  /** `20/60s` or `off`; empty: the gateway's. */
  readonly loginLimit: string;
}

/** Changes to a customer; an absent field stays. */
export interface CustomerPatch {
  readonly displayName?: string;
  readonly status?: Status;
  readonly loginLimit?: string;
}

export interface Customers {
  create(draft: CustomerDraft, actor: Actor): Promise<StoredCustomer>;
  get(customerId: string): Promise<StoredCustomer>;
  list(request: ListRequest): Promise<Listing<StoredCustomer>>;
  /** With an etag that is not empty, only that version is changed; else AuthError `etag_mismatch`. */
  update(customerId: string, patch: CustomerPatch, etag: string, actor: Actor): Promise<StoredCustomer>;
  delete(customerId: string, etag: string, actor: Actor): Promise<void>;
  /** Takes back the tokens that its devices were given until now. */
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

/** Each use-case throws AuthError: `malformed`, or an error of the store. */
export function createCustomers({ customers, now }: CustomersDependencies): Customers {
  const entryOf = (action: string, customerId: string, actor: Actor, details: Details): AuditEntry => ({
    actor,
    at: now(),
    action,
    resource: `customers/${customerId}`,
    customerId,
    details,
  });

  return {
    async create({ customerId: given, displayName, status, loginLimit }, actor) {
      const customerId = given === "" ? randomBytes(8).toString("hex") : readCustomerId(given);
      const customer = {
        customerId,
        displayName: readDisplayName(displayName),
        status,
        loginLimit: readLoginLimit(loginLimit),
        tokensNotBefore: 0,
      };
      return customers.insert(customer, entryOf("CreateCustomer", customerId, actor, detailsOf(customer)));
    },

    async get(customerId) {
      return requireCustomer(customers, readCustomerId(customerId));
    },

    list: (request) => listPage(FIELDS, request, (page) => customers.list(page), now()),

    async update(customerId, patch, etag, actor) {
      const checked = readPatch(patch);
      return customers.update(readCustomerId(customerId), (current) => {
        requireVersion(current, etag, "customer");
        // A customer that is let in again gets tokens anew.
        const ends = checked.status === "disabled" && current.status === "enabled";
        const tokensNotBefore = ends ? markRevocation(current.tokensNotBefore, now()) : current.tokensNotBefore;
        const next = { ...current, ...checked, tokensNotBefore };
        const details = changedDetails(detailsOf(current), detailsOf(next));
        if (!isChange(details)) return undefined;
        return { next, entry: entryOf("UpdateCustomer", customerId, actor, details) };
      });
    },

    async delete(customerId, etag, actor) {
      await customers.delete(readCustomerId(customerId), (current) => {
        requireVersion(current, etag, "customer");
        return entryOf("DeleteCustomer", customerId, actor, {});
      });
    },

    async revokeTokens(customerId, actor) {
      return customers.update(readCustomerId(customerId), (current) => {
        const tokensNotBefore = markRevocation(current.tokensNotBefore, now());
        const details = { tokens_not_before: new Date(tokensNotBefore).toISOString() };
        return {
          next: { ...current, tokensNotBefore },
          entry: entryOf("RevokeCustomerTokens", customerId, actor, details),
        };
      });
    },
  };
}

/** @throws AuthError `does_not_exist` */
export async function requireCustomer(
  customers: Pick<CustomerStore, "find">,
  customerId: string,
): Promise<StoredCustomer> {
  const customer = await customers.find(customerId);
  if (customer !== undefined) return customer;
  throw noCustomer();
}

function readPatch({ displayName, status, loginLimit }: CustomerPatch): CustomerPatch {
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

function detailsOf({ displayName, status, loginLimit }: Customer): Details {
  return { display_name: displayName, status, login_limit: loginLimit };
}
