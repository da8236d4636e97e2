// AdminService's methods on customers.

import { create } from "@bufbuild/protobuf";
import { CustomerSchema } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { malformed } from "../core/errors.ts";
import type { CustomerPatch, Customers } from "../core/registry/customers.ts";
import type { ActorOf, AdminMethods } from "./admin-guard.ts";
import { customerMessage, statuses } from "./admin-messages.ts";
import { readEtag, readMaskedPatch, withEtag } from "./admin-updates.ts";

/** Creates the methods. They throw the errors of the registry. */
export function createCustomerMethods(
  customers: Customers,
  actorOf: ActorOf,
): AdminMethods<`${string}Customer${"" | "s" | "Tokens"}`> {
  return {
    async createCustomer({ customer = create(CustomerSchema), customerId }, context) {
      requireSameCustomer(customerId, customer.customerId);
      const draft = {
        ...customer,
        customerId: customerId === "" ? customer.customerId : customerId,
        status: statuses.read(customer.status),
      };
      return withEtag(context.responseHeader, customerMessage(await customers.create(draft, actorOf(context))));
    },

    async getCustomer({ customerId }, { responseHeader }) {
      return withEtag(responseHeader, customerMessage(await customers.get(customerId)));
    },

    async listCustomers(request) {
      const { items, nextPageToken } = await customers.list(request);
      return { customers: items.map(customerMessage), nextPageToken };
    },

    async updateCustomer({ customer = create(CustomerSchema), updateMask }, context) {
      const { customerId, displayName, loginLimit } = customer;
      const etag = readEtag(context.requestHeader, customer.etag);
      const status = statuses.read(customer.status);
      const patch = readMaskedPatch<CustomerPatch>(updateMask, CustomerSchema, {
        display_name: { change: { displayName }, isSet: displayName !== "" },
        status: { change: status && { status } },
        login_limit: { change: { loginLimit }, isSet: loginLimit !== "" },
      });
      const updated = await customers.update(customerId, patch, etag, actorOf(context));
      return withEtag(context.responseHeader, customerMessage(updated));
    },

    async deleteCustomer({ customerId, etag }, context) {
      await customers.delete(customerId, readEtag(context.requestHeader, etag), actorOf(context));
      return {};
    },

    async revokeCustomerTokens({ customerId }, context) {
      const customer = await customers.revokeTokens(customerId, actorOf(context));
      return withEtag(context.responseHeader, customerMessage(customer));
    },
  };
}

/** @throws AuthError `malformed` when the request and the resource in it name different customers */
export function requireSameCustomer(customerId: string, inResource: string): void {
  if (customerId !== "" && inResource !== "" && customerId !== inResource) {
    throw malformed("customer_id is sent twice with different values. Send it once", "customer_id");
  }
}
