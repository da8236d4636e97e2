// Checks the admin token of calls, and names the audit log's actor.

import { createContextKey, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuthError } from "../core/errors.ts";
import { isOperatorName, type Operators, type OperatorToken } from "../core/registry/operators.ts";
import type { Actor } from "../core/registry/ports.ts";
import { readSessionCookie, type Sessions } from "../core/registry/sessions.ts";

/** The part of a call's context that the guard reads and writes. */
type GuardedContext = Pick<HandlerContext, "requestHeader" | "values" | "method">;

const operatorKey = createContextKey<OperatorToken | undefined>(undefined, { description: "operator" });

/** RFC 6750, 2.1. */
const BEARER = /^Bearer +(\S+)$/i;

/** Methods that change nothing and show no secret. */
const READS = /^(?:(?:Get|List|Count|Explain)[A-Z]|CreateSignInCode$)/;

/**
 * Creates a guard that admits operators, and sets the operator in the call's context. It throws AuthError
 * `invalid_admin_token`, `unavailable`, and `read_only` for a method that the role does not allow.
 * @param secure the listener speaks TLS
 */
export function createAdminGuard(
  operators: Pick<Operators, "identify">,
  sessions: Pick<Sessions, "confirm">,
  secure: boolean,
): (context: GuardedContext) => Promise<void> {
  async function identify(requestHeader: Headers): Promise<OperatorToken> {
    const authorization = requestHeader.get("authorization");
    const [, token] = BEARER.exec(authorization ?? "") ?? [];
    if (token !== undefined) return operators.identify(token);
    const session = readSessionCookie(requestHeader, secure);
    if (session !== undefined && authorization === null) return sessions.confirm(session);
    throw noAdminToken();
  }

  return async ({ requestHeader, values, method }) => {
    const operator = await identify(requestHeader);
    if (operator.role !== "admin" && !isRead(method.name)) throw readOnly();
    values.set(operatorKey, operator);
  };
}

export function noAdminToken(): AuthError {
  return new AuthError("invalid_admin_token", "this call takes the admin token as Authorization Bearer");
}

export function readOnly(): AuthError {
  return new AuthError("read_only", "this admin token may only read. Use one with the role admin");
}

/** Whether the role read may call a method. */
export function isRead(method: string): boolean {
  return READS.test(method);
}

/** The operator of a call that the guard admitted. */
export function operatorOf({ values }: Pick<HandlerContext, "values">): OperatorToken {
  const operator = values.get(operatorKey);
  if (operator === undefined) throw new TypeError("AdminService is mounted without its guard");
  return operator;
}

/** Operator name as the caller gave it, not authenticated. Used only with tokens of the settings, which people may share. */
const OPERATOR_HEADER = "x-operator";

type AllMethods = ServiceImpl<typeof AdminService>;

/** The methods of AdminService whose names are among `Names`. */
export type AdminMethods<Names extends string> = Pick<AllMethods, Extract<keyof AllMethods, Names>>;

/** Names the actor of a call. */
export type ActorOf = (context: HandlerContext) => Actor;

/** Creates a function that names the actor of a call that the guard admitted. `callerOf` gives the address and request id. */
export function createActorOf<Context extends Pick<HandlerContext, "requestHeader" | "values">>(
  callerOf: (context: Context) => Pick<Actor, "address" | "requestId">,
): (context: Context) => Actor {
  return (context) => {
    const { address, requestId } = callerOf(context);
    const { tokenId, name, createdAt } = operatorOf(context);
    const claimed = context.requestHeader.get(OPERATOR_HEADER) ?? "";
    // Control characters must not reach a terminal that shows the audit log.
    const shared = isOperatorName(claimed) ? claimed : "";
    return { tokenId, operator: createdAt === undefined ? shared : name, address, requestId };
  };
}
