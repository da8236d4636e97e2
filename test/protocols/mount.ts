// Mounts services on a listener as the gateway does.

import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createServiceImplSpec, type ServiceImplSpec } from "@connectrpc/connect";
import { AuthService, LoginRequestSchema } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { ErrorInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import { AuthError } from "../../src/core/errors.ts";
import { createCallerFrom } from "../../src/http/caller.ts";
import { createDispatch } from "../../src/http/dispatch.ts";
import { type Listener, listen } from "../../src/http/listener.ts";
import type { MountedService } from "../../src/protocols/call.ts";

type DispatchOptions = Parameters<typeof createDispatch>[0];

/** Mounts services, and the endpoints among the options. */
export function mountAll(
  services: readonly MountedService[],
  options: Partial<Omit<DispatchOptions, "services">> = {},
): Promise<Listener> {
  const callerFrom = createCallerFrom(() => false);
  const all = { services, endpoints: {}, callerFrom, onError() {}, onFault() {}, ...options };
  return listen({ host: "127.0.0.1", port: 0, serve: createDispatch(all), onFault: all.onFault });
}

/** Mounts a service whose handlers all throw `error`. */
export function mountThrowing(error: Error, { spec, ...service }: MountedService): Promise<Listener> {
  const methods = Object.entries(spec.methods).map(([name, one]) => [
    name,
    { ...one, impl: () => Promise.reject(error) },
  ]);
  return mountAll([{ ...service, spec: { ...spec, methods: Object.fromEntries(methods) } }]);
}

/** The protobuf message of a login. */
export function loginMessage(deviceKey: string): Uint8Array {
  return toBinary(LoginRequestSchema, create(LoginRequestSchema, { deviceKey }));
}

/** Creates an AuthService without GetServerTime; Login behaves as the device_key says. `onWait` gets the signal of each waiting call. */
export function scriptedService(onWait: (signal: AbortSignal) => void = () => {}): ServiceImplSpec {
  return createServiceImplSpec<typeof AuthService>(AuthService, {
    async login({ deviceKey }, context) {
      const { requestHeader, responseHeader } = context;
      switch (deviceKey) {
        case "headers":
          responseHeader.set("X-Before", "early");
          responseHeader.set("X-Echo-Bin", requestHeader.get("x-echo-bin") ?? "");
          break;
        case "trailers":
          context.responseTrailer.set("X-After", "later");
          break;
        case "type":
          responseHeader.set("Content-Type", "application/problem+json");
          break;
        case "missing":
          throw new AuthError("does_not_exist", "there is no such device");
        case "limited":
          responseHeader.set("X-RateLimit-Limit", "7");
          throw new AuthError("rate_limited", "too many logins", { retryAfterMs: 1_500 });
        case "foreign":
          responseHeader.set("X-Before", "early");
          throw new ConnectError("no such thing, 50 % sure", Code.NotFound, { "X-Of-Error": "set" }, [
            { desc: ErrorInfoSchema, value: { reason: "GONE", domain: "elsewhere" } },
          ]);
        case "bug":
          throw new TypeError("secret");
        case "unwritable":
          return { token: "t", expiresIn: 2 ** 40 };
        case "waits":
          onWait(context.signal);
          await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
          throw context.signal.reason;
      }
      return { token: deviceKey, expiresIn: context.timeoutMs() ?? -1 };
    },
  });
}
