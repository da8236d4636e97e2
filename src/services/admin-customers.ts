// AdminService's calls on customers. Knows no transport.

import type { ServiceImpl } from "@connectrpc/connect";
import { type AdminService, CustomerSchema } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { malformed } from "../core/errors.ts";
import type { CustomerPatch } from "../core/registry/customers.ts";
import type { AdminDependencies } from "./admin.ts";
import { readMask, requireMasked } from "./admin-mask.ts";
import { customerMessage } from "./admin-messages.ts";
import { readStatus, requireName } from "./admin-values.ts";

type CustomerCalls = Pick<
  ServiceImpl<typeof AdminService>,
  "createCustomer" | "getCustomer" | "listCustomers" | "updateCustomer" | "deleteCustomer"
>;

const CHANGEABLE = ["display_name", "status", "login_limit"] as const;

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
        status: readStatus(customer?.status) ?? "enabled",
        loginLimit: customer?.loginLimit ?? "",
      };
      return customerMessage(await customers.create(draft, actorOf(context)));
    },

    async getCustomer({ customerId }) {
      return customerMessage(await customers.get(requireName(customerId, "customer_id")));
    },

    async listCustomers({ pageSize, pageToken, filter }) {
      const { items, nextPageToken } = await customers.list({ pageSize, pageToken, filter });
      return { customers: items.map(customerMessage), nextPageToken };
    },

    async updateCustomer({ customer, updateMask }, context) {
      const customerId = requireName(customer?.customerId, "customer_id");
      const { displayName = "", loginLimit = "", etag = "" } = customer ?? {};
      const status = readStatus(customer?.status);
      const given = { display_name: displayName !== "", status: status !== undefined, login_limit: loginLimit !== "" };
      const mask = readMask(updateMask, { desc: CustomerSchema, changeable: CHANGEABLE }, (name) => given[name]);
      const patch: CustomerPatch = {
        ...(mask.has("display_name") && { displayName }),
        ...(mask.has("status") && { status: requireMasked(status, "status") }),
        ...(mask.has("login_limit") && { loginLimit }),
      };
      return customerMessage(await customers.update(customerId, patch, etag, actorOf(context)));
    },

    async deleteCustomer({ customerId, etag }, context) {
      await customers.delete(requireName(customerId, "customer_id"), etag, actorOf(context));
      return {};
    },
  };
}
