// Mounts services and endpoints on a listener, as the gateway does.

import type { ServiceImplSpec } from "@connectrpc/connect";
import { createOperators, type OperatorStore } from "../../src/core/registry/operators.ts";
import { createCallerFrom } from "../../src/http/caller.ts";
import { createDispatch } from "../../src/http/dispatch.ts";
import type { Endpoints } from "../../src/http/endpoints.ts";
import { type Listener, listen } from "../../src/http/listener.ts";
import type { CallOptions, Guard, MountedService } from "../../src/protocols/call.ts";
import { createAdminGuard } from "../../src/services/admin-guard.ts";

export interface MountOptions extends Partial<Pick<CallOptions, "callerFrom" | "onError">> {
  readonly endpoints?: Endpoints;
  readonly onFault?: (error: unknown) => void;
}

/** Mounts one service. */
export function mount(spec: ServiceImplSpec, options: MountOptions = {}): Promise<Listener> {
  return mountAll([{ spec }], options);
}

/** Mounts a service whose handlers all throw `error`. */
export function mountThrowing(error: Error, { spec, ...service }: MountedService): Promise<Listener> {
  const methods = Object.entries(spec.methods).map(([name, one]) => [
    name,
    { ...one, impl: () => Promise.reject(error) },
  ]);
  return mountAll([{ ...service, spec: { ...spec, methods: Object.fromEntries(methods) } }]);
}

export async function mountAll(services: readonly MountedService[], options: MountOptions = {}): Promise<Listener> {
  const {
    endpoints = {},
    callerFrom = createCallerFrom(() => false),
    onError = () => {},
    onFault = () => {},
  } = options;
  const serve = createDispatch({ services, endpoints, callerFrom, onError, onFault });
  return listen({ host: "127.0.0.1", port: 0, serve, onFault });
}

/** A store without issued tokens. */
const EMPTY: OperatorStore = {
  insert: async () => {},
  find: async () => undefined,
  findByHash: async () => undefined,
  list: async () => [],
  revoke: async () => {
    throw new TypeError("there is no token to revoke");
  },
};

/** The guard of AdminService with one admin token, as the settings give it. */
export function guardOf(token: string): Guard {
  const settingsTokens = new Map([["COUNTERSIGN_ADMIN_TOKEN", token]]);
  const operators = createOperators(EMPTY, settingsTokens, () => 0);
  return createAdminGuard(operators, operators, false);
}
