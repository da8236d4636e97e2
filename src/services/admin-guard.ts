// Operators' calls: the admin token that they need, and the actor that the audit log records.

import { createHash } from "node:crypto";
import type { HandlerContext } from "@connectrpc/connect";
import { AuthError } from "../core/errors.ts";
import type { Actor } from "../core/registry/ports.ts";
import { equalSecrets } from "../core/signature.ts";

/** The token of `Authorization: Bearer <token>` (RFC 6750, 2.1). */
function bearerToken(requestHeader: Headers): string | undefined {
  return /^Bearer +(\S+)$/i.exec(requestHeader.get("authorization") ?? "")?.[1];
}

/**
 * Creates a guard that throws AuthError `invalid_admin_token` unless a call carries one of the tokens. It compares with every token,
 * in constant time. Two tokens at once allow one to be replaced.
 */
export function createAdminGuard(adminTokens: readonly string[]): (requestHeader: Headers) => void {
  return (requestHeader) => {
    const token = bearerToken(requestHeader);
    if (token === undefined) {
      throw new AuthError("invalid_admin_token", "this call takes the admin token as Authorization Bearer");
    }
    const matches = adminTokens.map((adminToken) => equalSecrets(token, adminToken));
    if (!matches.includes(true)) {
      throw new AuthError("invalid_admin_token", "this is not an admin token of this gateway");
    }
  };
}

/** Operator name as the caller gave it; not authenticated. */
const OPERATOR_HEADER = "x-operator";

/** Visible ASCII with single spaces: more could pass for several columns of a table. */
const OPERATOR = /^(?=.{1,100}$)[\x21-\x7e]+(?: [\x21-\x7e]+)*$/;

/** Identifies an admin token without revealing it: eight hex digits of a labelled SHA-256. */
export function adminTokenId(token: string): string {
  return createHash("sha256").update(`countersign admin token id v1\0${token}`).digest("hex").slice(0, 8);
}

/** Names the actor of a call. */
export type ActorOf = (context: HandlerContext) => Actor;

/** Creates a function that names the actor of a call that the guard admitted. `callerOf` gives a request's origin. */
export function createActorOf<Context extends Pick<HandlerContext, "requestHeader">>(
  callerOf: (context: Context) => Pick<Actor, "address" | "requestId">,
): (context: Context) => Actor {
  return (context) => {
    const { address, requestId } = callerOf(context);
    const operator = context.requestHeader.get(OPERATOR_HEADER) ?? "";
    return {
      tokenId: adminTokenId(bearerToken(context.requestHeader) ?? ""),
      // Control characters must not reach the terminal of someone who reads the audit log.
      operator: OPERATOR.test(operator) ? operator : "",
      address,
      requestId,
    };
  };
}
