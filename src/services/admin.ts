// AdminService: proto messages to the core and back. Knows no transport, and not who may call.

import { createServiceImplSpec, type ServiceImpl, type ServiceImplSpec } from "@connectrpc/connect";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { createCustomerCalls } from "./admin-customers.ts";
import type { AdminDependencies } from "./admin-dependencies.ts";
import { createDeviceCalls } from "./admin-devices.ts";
import { createImportCalls } from "./admin-import.ts";
import { createCustomerKeyCalls } from "./admin-keys.ts";
import { auditEventMessage } from "./admin-messages.ts";
import { createSigningKeyCalls } from "./admin-signing-keys.ts";
import { readTime, writeTime } from "./admin-values.ts";

/** The most bytes that a message to AdminService may have: 1,000 rows of an import. */
export const ADMIN_MESSAGE_BYTES = 1024 * 1024;

/** The operator's calls. Whoever mounts it sees to it that only operators make them. */
export function createAdminService(dependencies: AdminDependencies): ServiceImplSpec {
  return createServiceImplSpec<typeof AdminService>(AdminService, {
    ...createCustomerCalls(dependencies),
    ...createCustomerKeyCalls(dependencies),
    ...createDeviceCalls(dependencies),
    ...createImportCalls(dependencies),
    ...createSigningKeyCalls(dependencies),
    ...createOverseerCalls(dependencies),
  });
}

type OverseerCalls = Pick<
  ServiceImpl<typeof AdminService>,
  "revokeToken" | "listAuditEvents" | "explainLogin" | "resealSecrets"
>;

/** What belongs to no customer. */
function createOverseerCalls({
  registry: { tokens, audit },
  explain,
  secrets,
  actorOf,
}: AdminDependencies): OverseerCalls {
  return {
    async revokeToken({ jti }, context) {
      const { expiresAt } = await tokens.revoke(jti, actorOf(context));
      return { jti, expireTime: writeTime(expiresAt) };
    },

    async listAuditEvents({ pageSize, pageToken, filter }) {
      const { items, nextPageToken } = await audit.list({ pageSize, pageToken, filter });
      return { auditEvents: items.map(auditEventMessage), nextPageToken };
    },

    async explainLogin({ deviceKey, body, receiveTime }) {
      const { wouldSucceed, findings } = await explain({
        deviceKey,
        body,
        receivedAt: readTime(receiveTime, "receive_time"),
      });
      return { wouldSucceed, findings: [...findings] };
    },

    resealSecrets: (_request, context) => secrets.reseal(actorOf(context)),
  };
}
