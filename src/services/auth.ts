// AuthService: proto messages to the core and back. Knows no transport.

import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { AuthError } from "../core/errors.ts";
import type { Caller, LogIn } from "../core/login.ts";
import { setLimitHeaders } from "./limit-headers.ts";

export interface AuthServiceDependencies {
  readonly logIn: LogIn;
  readonly callerOf: (context: HandlerContext) => Caller;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** The one handler of a login, whichever protocol brings it. */
export function createAuthService({ logIn, callerOf, now }: AuthServiceDependencies): ServiceImpl<typeof AuthService> {
  return {
    async login({ deviceKey, timestamp, deviceSignature }, context) {
      try {
        const login = await logIn({ deviceKey, timestamp, deviceSignature }, callerOf(context));
        setLimitHeaders(context.responseHeader, login.limit, now());
        return { token: login.token, expiresIn: login.expiresInSeconds };
      } catch (error) {
        if (error instanceof AuthError) setLimitHeaders(context.responseHeader, error.particulars.limit, now());
        throw error;
      }
    },

    getServerTime() {
      return { serverTime: Math.floor(now() / 1000) };
    },
  };
}
