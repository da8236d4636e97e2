// AdminService's calls on customers. Knows no transport.

import type { ServiceImpl } from "@connectrpc/connect";
import { type AdminService, CustomerSchema } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { malformed } from "../core/errors.ts";
import type { CustomerPatch } from "../core/registry/customers.ts";
import type { AdminDependencies } from "./admin-dependencies.ts";
import { readMask, requireMasked } from "./admin-mask.ts";
import { customerMessage } from "./admin-messages.ts";
import { statuses } from "./admin-values.ts";
import { readEtag, withEtag } from "./etag-headers.ts";

type CustomerCalls = Pick<
  ServiceImpl<typeof AdminService>,
  "createCustomer" | "getCustomer" | "listCustomers" | "updateCustomer" | "deleteCustomer" | "revokeCustomerTokens"
>;

const CHANGEABLE = ["display_name", "status", "login_limit"] as const;

/** Builds them on the use-cases. Each throws what those throw. */
export function createCustomerCalls({
  registry: { customers },
  actorOf,
}: Pick<AdminDependencies, "registry" | "actorOf">): CustomerCalls {
  return {
    async createCustomer({ customer, customerId }, context) {
      const named = customer?.customerId ?? "";
      if (named !== "" && customerId !== "" && named !== customerId) {
        throw malformed("customer_id is there twice and differs. Send it once", "customer_id");
      }
      const draft = {
        customerId: customerId === "" ? named : customerId,
        displayName: customer?.displayName ?? "",
        status: statuses.read(customer?.status) ?? "enabled",
        loginLimit: customer?.loginLimit ?? "",
      };
      return withEtag(context.responseHeader, customerMessage(await customers.create(draft, actorOf(context))));
    },

    async getCustomer({ customerId }, { responseHeader }) {
      return withEtag(responseHeader, customerMessage(await customers.get(customerId)));
    },

    async listCustomers({ pageSize, pageToken, filter }) {
      const { items, nextPageToken } = await customers.list({ pageSize, pageToken, filter });
      return { customers: items.map(customerMessage), nextPageToken };
    },

    async updateCustomer({ customer, updateMask }, context) {
      const { customerId = "", displayName = "", loginLimit = "" } = customer ?? {};
      const etag = readEtag(context.requestHeader, customer?.etag ?? "");
      const status = statuses.read(customer?.status);
      const given = { display_name: displayName !== "", status: status !== undefined, login_limit: loginLimit !== "" };
      const mask = readMask(updateMask, { desc: CustomerSchema, changeable: CHANGEABLE }, (name) => given[name]);
      const patch: CustomerPatch = {
        ...(mask.has("display_name") && { displayName }),
        ...(mask.has("status") && { status: requireMasked(status, "status") }),
        ...(mask.has("login_limit") && { loginLimit }),
      };
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
