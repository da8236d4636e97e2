// AdminService's methods on operators' admin tokens.

import type { ServiceImpl } from "@connectrpc/connect";
import type { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import type { Operators } from "../core/registry/operators.ts";
import { pageOf } from "../core/registry/pages.ts";
import type { Sessions } from "../core/registry/sessions.ts";
import { type ActorOf, operatorOf } from "./admin-guard.ts";
import { operatorTokenMessage, readTime, roles, writeTime } from "./admin-messages.ts";

type OperatorMethods = Pick<
  ServiceImpl<typeof AdminService>,
  "issueOperatorToken" | "listOperatorTokens" | "revokeOperatorToken" | "createSignInCode" | "getCallingOperator"
>;

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

    async listOperatorTokens(request) {
      const { items, nextPageToken } = pageOf(await operators.list(), ({ tokenId }) => tokenId, request);
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
