// AdminService's methods on operators' admin tokens.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import type { AdminService, OperatorTokenSchema } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { OperatorRole } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import type { Operators, OperatorToken, Role } from "../core/registry/operators.ts";
import { listPage, pageOf } from "../core/registry/pages.ts";
import type { Sessions } from "../core/registry/sessions.ts";
import { type ActorOf, operatorOf } from "./admin-guard.ts";
import { enumOf, readTime, writeTime } from "./admin-messages.ts";

type OperatorMethods = Pick<
  ServiceImpl<typeof AdminService>,
  "issueOperatorToken" | "listOperatorTokens" | "revokeOperatorToken" | "createSignInCode" | "getCallingOperator"
>;

const roles = enumOf<Role, OperatorRole>("role", { read: OperatorRole.READ, admin: OperatorRole.ADMIN });

/** Creates the methods. They throw the errors of the registry. */
export function createOperatorMethods(
  operators: Operators,
  sessions: Pick<Sessions, "issueCode">,
  actorOf: ActorOf,
): OperatorMethods {
  return {
    async issueOperatorToken({ name, role, expireTime }, context) {
      const draft = { name, role: roles.read(role) ?? "read", expiresAt: readTime(expireTime, "expire_time") };
      const { token, adminToken } = await operators.issue(draft, actorOf(context));
      return { operatorToken: operatorTokenMessage(token), adminToken };
    },

    async listOperatorTokens({ pageSize, pageToken }) {
      // There are few enough to read them all.
      const tokens = await operators.list();
      const request = { pageSize, pageToken, filter: "" };
      const { items, nextPageToken } = await listPage({}, request, async (page) =>
        pageOf(tokens, ({ tokenId }) => tokenId, page),
      );
      return { operatorTokens: items.map(operatorTokenMessage), nextPageToken };
    },

    async revokeOperatorToken({ tokenId }, context) {
      return operatorTokenMessage(await operators.revoke(tokenId, actorOf(context)));
    },

    async createSignInCode(_request, context) {
      const { code, expiresAt } = await sessions.issueCode(operatorOf(context));
      return { code, expireTime: writeTime(expiresAt) };
    },

    getCallingOperator: (_request, context) => operatorTokenMessage(operatorOf(context)),
  };
}

function operatorTokenMessage({
  tokenId,
  name,
  role,
  createdAt,
  expiresAt,
  revokedAt,
}: OperatorToken): MessageInitShape<typeof OperatorTokenSchema> {
  return {
    tokenId,
    name,
    role: roles.write(role),
    createTime: writeTime(createdAt),
    expireTime: writeTime(expiresAt),
    revokeTime: writeTime(revokedAt),
  };
}
