// Mounts services and endpoints on a listener, as the gateway does.

import { createCallerFrom } from "../../src/http/caller.ts";
import { createDispatch } from "../../src/http/dispatch.ts";
import type { Endpoints } from "../../src/http/endpoints.ts";
import { type Listener, listen } from "../../src/http/listener.ts";
import type { CallOptions, MountedService } from "../../src/protocols/call.ts";

export interface MountOptions extends Partial<Pick<CallOptions, "callerFrom" | "onError">> {
  readonly endpoints?: Endpoints;
  readonly onFault?: (error: unknown) => void;
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
