// AdminService: converts messages for the core. It does not check who calls.

import { createServiceImplSpec, type ServiceImplSpec } from "@connectrpc/connect";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import type { ReadDeviceLimit } from "../core/charges.ts";
import type { ExplainLogin } from "../core/explain.ts";
import type { Registry } from "../core/registry/registry.ts";
import type { Secrets } from "../core/registry/secrets.ts";
import type { SigningKeys } from "../core/tokens/signing-keys.ts";
import { createCustomerMethods } from "./admin-customers.ts";
import { createDeviceMethods } from "./admin-devices.ts";
import type { ActorOf } from "./admin-guard.ts";
import { createCustomerKeyMethods, createSigningKeyMethods } from "./admin-keys.ts";
import { auditEventMessage, readTime, writeTime } from "./admin-messages.ts";
import { createOperatorMethods } from "./admin-operators.ts";
import { createGetOverview, type OverviewParts } from "./admin-overview.ts";

/** Limit of a message to AdminService, in bytes: 1,000 rows of an import. */
export const ADMIN_MESSAGE_BYTES = 1024 * 1024;

export interface AdminDependencies {
  readonly registry: Registry;
  readonly explain: ExplainLogin;
  readonly secrets: Secrets;
  readonly signingKeys: SigningKeys;
  readonly readDeviceLimit: ReadDeviceLimit;
  readonly overview: OverviewParts;
  readonly actorOf: ActorOf;
}

/** Creates the service. Mount it with a guard that admits operators only. */
export function createAdminService(dependencies: AdminDependencies): ServiceImplSpec {
  const { registry, explain, secrets, signingKeys, readDeviceLimit, overview, actorOf } = dependencies;
  const { customers, customerKeys, fleet, operators, sessions } = registry;
  return createServiceImplSpec<typeof AdminService>(AdminService, {
    ...createCustomerMethods(customers, actorOf),
    ...createCustomerKeyMethods(customerKeys, actorOf),
    ...createDeviceMethods(registry, readDeviceLimit, actorOf),
    ...createSigningKeyMethods(signingKeys, actorOf),
    ...createOperatorMethods(operators, sessions, actorOf),
    getOverview: createGetOverview(fleet, overview),

    async revokeToken({ jti }, context) {
      const { expiresAt } = await registry.revokeToken(jti, actorOf(context));
      return { jti, expireTime: writeTime(expiresAt) };
    },

    async listAuditEvents(request) {
      const { items, nextPageToken } = await registry.listAuditEvents(request);
      return { auditEvents: items.map(auditEventMessage), nextPageToken };
    },

    async explainLogin({ deviceKey, body, receiveTime }) {
      const receivedAt = readTime(receiveTime, "receive_time");
      const { wouldSucceed, findings } = await explain({ deviceKey, body, receivedAt });
      return { wouldSucceed, findings: [...findings] };
    },

    resealSecrets: (_request, context) => secrets.reseal(actorOf(context)),
  });
}
