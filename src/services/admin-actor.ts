// Who makes an operator's call, as the audit log has it. Knows headers, and no transport.

import { createHash } from "node:crypto";
import type { HandlerContext } from "@connectrpc/connect";
import type { Actor } from "../core/registry/ports.ts";
import { bearerToken } from "./admin-guard.ts";

/** By which whoever calls says who they are; nobody proves it. */
const OPERATOR_HEADER = "x-operator";

/** Words with one space between: with more, a name could pass for several columns of a table. */
const OPERATOR = /^(?=.{1,100}$)[\x21-\x7e]+(?: [\x21-\x7e]+)*$/;
const TOKEN_LABEL = "countersign admin token id v1\0";

/** Names an admin token without telling it: eight hex digits. */
export function adminTokenId(token: string): string {
  return createHash("sha256").update(TOKEN_LABEL).update(token).digest("hex").slice(0, 8);
}

/** What makes an Actor of a call that the guard has let in; `callerOf` knows where a request came from. */
export function createActorOf<Context extends Pick<HandlerContext, "requestHeader">>(
  callerOf: (context: Context) => Pick<Actor, "address" | "requestId">,
): (context: Context) => Actor {
  return (context) => {
    const { address, requestId } = callerOf(context);
    const operator = context.requestHeader.get(OPERATOR_HEADER) ?? "";
    return {
      tokenId: adminTokenId(bearerToken(context.requestHeader) ?? ""),
      // An audit log is no place for what a stranger's terminal makes of it.
      operator: OPERATOR.test(operator) ? operator : "",
      address,
      requestId,
    };
  };
}
