// AdminService's calls on customer keys. Knows no transport.

import type { ServiceImpl } from "@connectrpc/connect";
import type { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import type { AdminDependencies } from "./admin-dependencies.ts";
import { customerKeyMessage } from "./admin-messages.ts";
import { keyPurposes, keyStates, readTime, writeTime } from "./admin-values.ts";

type CustomerKeyCalls = Pick<
  ServiceImpl<typeof AdminService>,
  "issueCustomerKey" | "listCustomerKeys" | "getCustomerKeyUsage" | "retireCustomerKey"
>;

/** Builds them on the use-cases. Each throws what those throw. */
export function createCustomerKeyCalls({
  registry: { customerKeys },
  actorOf,
}: Pick<AdminDependencies, "registry" | "actorOf">): CustomerKeyCalls {
  return {
    async issueCustomerKey({ customerId, purpose, importedKey, notBefore, expiresAt }, context) {
      const draft = {
        customerId,
        purpose: keyPurposes.read(purpose) ?? "login",
        importedKey,
        notBefore: readTime(notBefore, "not_before"),
        expiresAt: readTime(expiresAt, "expires_at"),
      };
      return customerKeys.issue(draft, actorOf(context));
    },

    async listCustomerKeys({ customerId, pageSize, pageToken }) {
      const page = { pageSize, pageToken, filter: "" };
      const { items, nextPageToken } = await customerKeys.list(customerId, page);
      return { customerKeys: items.map(customerKeyMessage), nextPageToken };
    },

    async getCustomerKeyUsage({ customerId }) {
      const { keys, silentDevices } = await customerKeys.progress(customerId);
      return {
        keys: keys.map(({ keyId, purpose, state, devices, firstUseAt, lastUseAt }) => ({
          keyId,
          purpose: keyPurposes.write(purpose),
          state: keyStates.write(state),
          devices,
          firstUseTime: writeTime(firstUseAt),
          lastUseTime: writeTime(lastUseAt),
        })),
        silentDevices,
      };
    },

    async retireCustomerKey({ keyId, validateOnly }, context) {
      const retirement = await customerKeys.retire(keyId, validateOnly, actorOf(context));
      const { key, stoppedDevices, silentDevices, otherLiveKeys } = retirement;
      return { customerKey: customerKeyMessage(key), stoppedDevices, silentDevices, otherLiveKeys };
    },
  };
}
