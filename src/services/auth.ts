// AuthService and TokenService: convert messages, and set rate limit headers.

import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createServiceImplSpec, type HandlerContext, type ServiceImplSpec } from "@connectrpc/connect";
import { AuthService, LoginRequestSchema } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { TokenService } from "../../gen/es/countersign/token/v1/token_pb.ts";
import { AuthError } from "../core/errors.ts";
import type { Caller, Login, LoginRequest, SignedLogin } from "../core/login.ts";
import type { LimitState } from "../core/ports.ts";
import type { VerifyTokenFor } from "../core/tokens/tokens.ts";

/** Creates AuthService, which is the same in every protocol. `now` in Unix milliseconds. */
export function createAuthService<From extends Caller>(
  logIn: (request: LoginRequest, caller: From) => Promise<Login>,
  callerOf: (context: HandlerContext) => From,
  now: () => number,
): ServiceImplSpec {
  return createServiceImplSpec<typeof AuthService>(AuthService, {
    async login({ deviceKey, timestamp, deviceSignature }, context) {
      try {
        const login = await logIn({ deviceKey, timestamp, deviceSignature }, callerOf(context));
        setLimitHeaders(context.responseHeader, login.limit);
        return { token: login.token, expiresIn: login.expiresInSeconds };
      } catch (error) {
        if (error instanceof AuthError) setLimitHeaders(context.responseHeader, error.details.limit);
        throw error;
      }
    },

    getServerTime() {
      return { serverTime: Math.floor(now() / 1000) };
    },
  });
}

/** Creates a reader of login bodies, for `explain`, from a protocol's `read`. It throws AuthError `malformed`. */
export function createReadLogin(
  read: <Desc extends DescMessage>(desc: Desc, bytes: Uint8Array) => MessageShape<Desc>,
): (body: Uint8Array) => SignedLogin {
  return (body) => {
    const { deviceKey, timestamp, deviceSignature } = read(LoginRequestSchema, body);
    return { deviceKey, timestamp, deviceSignature };
  };
}

/**
 * Sets `X-RateLimit-*` (reset in Unix seconds) and the fields of draft-ietf-httpapi-ratelimit-headers (`t` in seconds from now).
 */
export function setLimitHeaders(headers: Headers, state: LimitState | undefined): void {
  if (state === undefined) return;
  const { policy, remaining, resetMs, decidedAt } = state;
  headers.set("X-RateLimit-Limit", String(policy.limit));
  headers.set("X-RateLimit-Remaining", String(remaining));
  headers.set("X-RateLimit-Reset", String(Math.ceil((decidedAt + resetMs) / 1000)));
  headers.set("RateLimit-Policy", `"${policy.name}";q=${policy.limit};w=${Math.ceil(policy.windowMs / 1000)}`);
  headers.set("RateLimit", `"${policy.name}";r=${remaining};t=${Math.ceil(resetMs / 1000)}`);
}

/** Limit of a request to TokenService, in bytes: the longest token that is verified, and its envelope. */
export const TOKEN_MESSAGE_BYTES = 16 * 1024;

/** Creates TokenService, which verifies tokens for other services. */
export function createTokenService<From>(
  verifyToken: VerifyTokenFor<From>,
  callerOf: (context: HandlerContext) => From,
): ServiceImplSpec {
  return createServiceImplSpec<typeof TokenService>(TokenService, {
    async verify({ token }, context) {
      const { deviceKey, customerId, jti, issuedAt, expiresAt } = await verifyToken(token, callerOf(context));
      const [issueTime, expireTime] = [issuedAt, expiresAt].map((seconds) => timestampFromMs(seconds * 1000));
      return { deviceKey, customerId, jti, issueTime, expireTime };
    },
  });
}
