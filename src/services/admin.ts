// AdminService: converts messages for the core. It does not check who calls.

import { createServiceImplSpec, type ServiceImpl, type ServiceImplSpec } from "@connectrpc/connect";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { createCustomerMethods } from "./admin-customers.ts";
import type { AdminDependencies } from "./admin-dependencies.ts";
import { createDeviceMethods } from "./admin-devices.ts";
import { createCustomerKeyMethods, createSigningKeyMethods } from "./admin-keys.ts";
import { auditEventMessage, readTime, writeTime } from "./admin-messages.ts";

/** Limit of a message to AdminService, in bytes: 1,000 rows of an import. */
export const ADMIN_MESSAGE_BYTES = 1024 * 1024;

/** Creates the service. Mount it with a guard that admits operators only. */
export function createAdminService(dependencies: AdminDependencies): ServiceImplSpec {
  return createServiceImplSpec<typeof AdminService>(AdminService, {
    ...createCustomerMethods(dependencies),
    ...createCustomerKeyMethods(dependencies),
    ...createDeviceMethods(dependencies),
    ...createSigningKeyMethods(dependencies),
    ...createOtherMethods(dependencies),
  });
}

type OtherMethods = Pick<
  ServiceImpl<typeof AdminService>,
  "revokeToken" | "listAuditEvents" | "explainLogin" | "resealSecrets"
>;

function createOtherMethods({
  registry: { tokens, audit },
  explain,
  secrets,
  actorOf,
}: AdminDependencies): OtherMethods {
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
      const receivedAt = readTime(receiveTime, "receive_time");
      const { wouldSucceed, findings } = await explain({ deviceKey, body, receivedAt });
      return { wouldSucceed, findings: [...findings] };
    },

    resealSecrets: (_request, context) => secrets.reseal(actorOf(context)),
  };
}
