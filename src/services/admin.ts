// AdminService: proto messages to the core and back. Knows no transport, and not who may call.

import {
  createServiceImplSpec,
  type HandlerContext,
  type ServiceImpl,
  type ServiceImplSpec,
} from "@connectrpc/connect";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import type { ExplainLogin } from "../core/explain.ts";
import type { SigningKeyStore } from "../core/ports.ts";
import type { Actor } from "../core/registry/ports.ts";
import type { Registry } from "../core/registry/registry.ts";
import type { Secrets } from "../core/registry/secrets.ts";
import { createCustomerCalls } from "./admin-customers.ts";
import { createDeviceCalls } from "./admin-devices.ts";
import { createImportCalls } from "./admin-import.ts";
import { createCustomerKeyCalls } from "./admin-keys.ts";
import { auditEventMessage, signingKeyMessage } from "./admin-messages.ts";
import { pageOfSigningKeys } from "./admin-signing-keys.ts";
import { readTime } from "./admin-values.ts";

export interface AdminDependencies {
  readonly registry: Registry;
  readonly explain: ExplainLogin;
  readonly secrets: Secrets;
  readonly signingKeys: Pick<SigningKeyStore, "listAll">;
  readonly actorOf: (context: HandlerContext) => Actor;
}

/** The most bytes that a message to AdminService may have: 1,000 rows of an import. */
export const ADMIN_MESSAGE_BYTES = 1024 * 1024;

/** The operator's calls. Whoever mounts it sees to it that only operators make them. */
export function createAdminService(dependencies: AdminDependencies): ServiceImplSpec {
  return createServiceImplSpec<typeof AdminService>(AdminService, {
    ...createCustomerCalls(dependencies),
    ...createCustomerKeyCalls(dependencies),
    ...createDeviceCalls(dependencies),
    ...createImportCalls(dependencies),
    ...createOverseerCalls(dependencies),
  });
}

type OverseerCalls = Pick<
  ServiceImpl<typeof AdminService>,
  "listSigningKeys" | "listAuditEvents" | "explainLogin" | "resealSecrets"
>;

/** What belongs to no customer. */
function createOverseerCalls({
  registry: { audit },
  explain,
  secrets,
  signingKeys,
  actorOf,
}: AdminDependencies): OverseerCalls {
  return {
    async listSigningKeys({ pageSize, pageToken }) {
      const { items, nextPageToken } = await pageOfSigningKeys(await signingKeys.listAll(), { pageSize, pageToken });
      return { signingKeys: items.map(signingKeyMessage), nextPageToken };
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
