// AuthService: proto messages to the core and back. Knows no transport.

import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { createServiceImplSpec, type HandlerContext, type ServiceImplSpec } from "@connectrpc/connect";
import { AuthService, LoginRequestSchema } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { AuthError } from "../core/errors.ts";
import type { Caller, Login, LoginRequest } from "../core/login.ts";
import { setLimitHeaders } from "./limit-headers.ts";

export interface AuthServiceDependencies<From extends Caller> {
  readonly logIn: (request: LoginRequest, caller: From) => Promise<Login>;
  readonly callerOf: (context: HandlerContext) => From;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** The one handler of a login, whichever protocol brings it. */
export function createAuthService<From extends Caller>(dependencies: AuthServiceDependencies<From>): ServiceImplSpec {
  const { logIn, callerOf, now } = dependencies;
  return createServiceImplSpec<typeof AuthService>(AuthService, {
    async login({ deviceKey, timestamp, deviceSignature }, context) {
      try {
        const login = await logIn({ deviceKey, timestamp, deviceSignature }, callerOf(context));
        setLimitHeaders(context.responseHeader, login.limit);
        return { token: login.token, expiresIn: login.expiresInSeconds };
      } catch (error) {
        if (error instanceof AuthError) setLimitHeaders(context.responseHeader, error.particulars.limit);
        throw error;
      }
    },

    getServerTime() {
      return { serverTime: Math.floor(now() / 1000) };
    },
  });
}

/** Reads a login's body as a protocol's `read` does: for whoever explains one. @throws AuthError `malformed` */
export function createReadLogin(
  read: <Desc extends DescMessage>(desc: Desc, bytes: Uint8Array) => MessageShape<Desc>,
): (body: Uint8Array) => LoginRequest {
  return (body) => {
    const { deviceKey, timestamp, deviceSignature } = read(LoginRequestSchema, body);
    return { deviceKey, timestamp, deviceSignature };
  };
}
