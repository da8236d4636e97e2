// AdminService: converts messages for the core. It does not check who calls.

import { createServiceImplSpec, type ServiceImpl, type ServiceImplSpec } from "@connectrpc/connect";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import type { ReadDeviceLimit } from "../core/charges.ts";
import type { ExplainLogin } from "../core/explain.ts";
import type { Actor } from "../core/registry/ports.ts";
import type { Registry } from "../core/registry/registry.ts";
import type { Resealing } from "../core/registry/secrets.ts";
import type { Sessions } from "../core/registry/sessions.ts";
import type { SigningKeys } from "../core/tokens/signing-keys.ts";
import { createCustomerMethods } from "./admin-customers.ts";
import { createDeviceMethods } from "./admin-devices.ts";
import { type ActorOf, operatorOf } from "./admin-guard.ts";
import { createKeyMethods } from "./admin-keys.ts";
import { auditEventMessage, operatorTokenMessage, readTime, roles, writeTime } from "./admin-messages.ts";
import type { Overview } from "./overview.ts";

/** Limit of a message to AdminService, in bytes: 1,000 rows of an import. */
export const ADMIN_MESSAGE_BYTES = 1024 * 1024;

export interface AdminDependencies {
  readonly registry: Registry;
  readonly sessions: Pick<Sessions, "issueCode">;
  readonly explain: ExplainLogin;
  readonly reseal: (actor: Actor) => Promise<Resealing>;
  readonly signingKeys: SigningKeys;
  readonly readDeviceLimit: ReadDeviceLimit;
  readonly overview: Pick<Overview, "read">;
  readonly actorOf: ActorOf;
}

/** Creates the service. Mount it with a guard that admits operators only. */
export function createAdminService(dependencies: AdminDependencies): ServiceImplSpec {
  const { registry, sessions, explain, reseal, signingKeys, readDeviceLimit, overview, actorOf } = dependencies;
  const { customers, customerKeys, operators } = registry;
  return createServiceImplSpec<typeof AdminService>(AdminService, {
    ...createCustomerMethods(customers, actorOf),
    ...createKeyMethods(customerKeys, signingKeys, actorOf),
    ...createDeviceMethods(registry, readDeviceLimit, actorOf),
    getOverview: overview.read,

    async issueOperatorToken({ name, role, expireTime }, context) {
      const draft = { name, role: roles.read(role) ?? "read", expiresAt: readTime(expireTime, "expire_time") };
      const { token, adminToken } = await operators.issue(draft, actorOf(context));
      return { operatorToken: operatorTokenMessage(token), adminToken };
    },

    async listOperatorTokens() {
      return { operatorTokens: (await operators.list()).map(operatorTokenMessage) };
    },

    async revokeOperatorToken({ tokenId }, context) {
      return operatorTokenMessage(await operators.revoke(tokenId, actorOf(context)));
    },

    createSignInCode(_request, context) {
      const { text: code, expiresAt } = sessions.issueCode(operatorOf(context));
      return { code, expireTime: writeTime(expiresAt) };
    },

    getCallingOperator: (_request, context) => operatorTokenMessage(operatorOf(context)),

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

    resealSecrets: (_request, context) => reseal(actorOf(context)),
  } satisfies ServiceImpl<typeof AdminService>);
}
