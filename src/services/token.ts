// TokenService: proto messages to the core and back. Knows no transport.

import { createServiceImplSpec, type HandlerContext, type ServiceImplSpec } from "@connectrpc/connect";
import { TokenService } from "../../gen/es/countersign/token/v1/token_pb.ts";
import type { VerifyTokenFor } from "../core/verify-token.ts";
import { writeTime } from "./admin-values.ts";

export interface TokenServiceDependencies<From> {
  readonly verifyToken: VerifyTokenFor<From>;
  readonly callerOf: (context: HandlerContext) => From;
}

/** The most bytes of a request: the longest token that is looked at, and what is around it. */
export const TOKEN_MESSAGE_BYTES = 16 * 1024;

/** What services call that check tokens here. */
export function createTokenService<From>({ verifyToken, callerOf }: TokenServiceDependencies<From>): ServiceImplSpec {
  return createServiceImplSpec<typeof TokenService>(TokenService, {
    async verify({ token }, context) {
      const { deviceKey, customerId, jti, issuedAt, expiresAt } = await verifyToken(token, callerOf(context));
      return {
        deviceKey,
        customerId,
        jti,
        issueTime: writeTime(issuedAt * 1000),
        expireTime: writeTime(expiresAt * 1000),
      };
    },
  });
}
