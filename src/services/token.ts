// TokenService: verifies tokens for other services.

import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createServiceImplSpec, type HandlerContext, type ServiceImplSpec } from "@connectrpc/connect";
import { TokenService } from "../../gen/es/countersign/token/v1/token_pb.ts";
import type { VerifyTokenFor } from "../core/verify-token.ts";

export interface TokenServiceDependencies<From> {
  readonly verifyToken: VerifyTokenFor<From>;
  readonly callerOf: (context: HandlerContext) => From;
}

/** Limit of a request, in bytes: the longest token that is verified, and its envelope. */
export const TOKEN_MESSAGE_BYTES = 16 * 1024;

/** Creates the service. */
export function createTokenService<From>({ verifyToken, callerOf }: TokenServiceDependencies<From>): ServiceImplSpec {
  return createServiceImplSpec<typeof TokenService>(TokenService, {
    async verify({ token }, context) {
      const { deviceKey, customerId, jti, issuedAt, expiresAt } = await verifyToken(token, callerOf(context));
      const [issueTime, expireTime] = [issuedAt, expiresAt].map((seconds) => timestampFromMs(seconds * 1000));
      return { deviceKey, customerId, jti, issueTime, expireTime };
    },
  });
}
