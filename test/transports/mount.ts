// Services of a test's own, mounted as the gateway mounts its: on a port that has everything, and on one of grpc-js.

import type { ServiceImplSpec } from "@connectrpc/connect";
import type { MountedService, TransportOptions } from "../../src/transports/call.ts";
import { createConnect } from "../../src/transports/connect.ts";
import { createDispatch } from "../../src/transports/dispatch.ts";
import { createDocuments } from "../../src/transports/documents.ts";
import { createGrpc } from "../../src/transports/grpc.ts";
import { createHttp2 } from "../../src/transports/http2.ts";
import { type Listener, listen } from "../../src/transports/listener.ts";
import { createRest } from "../../src/transports/rest.ts";

export interface Mounted {
  /** Where Connect's router serves gRPC. */
  readonly shared: Listener;
  /** Where grpc-js does. */
  readonly native: Listener;
  close(): Promise<void>;
}

/** Mounts one service by itself. */
export function mount(spec: ServiceImplSpec, onRefused: TransportOptions["onRefused"] = () => {}): Promise<Mounted> {
  return mountAll([{ spec }], onRefused);
}

/** Mounts a service each of whose handlers throws. */
export function mountThrowing(error: Error, { spec, ...options }: MountedService): Promise<Mounted> {
  const methods = Object.entries(spec.methods).map(([name, one]) => [
    name,
    { ...one, impl: () => Promise.reject(error) },
  ]);
  return mountAll([{ ...options, spec: { ...spec, methods: Object.fromEntries(methods) } }]);
}

export async function mountAll(
  services: readonly MountedService[],
  onRefused: TransportOptions["onRefused"] = () => {},
): Promise<Mounted> {
  const options = { services, onRefused, onFault: () => {}, now: Date.now };
  const handle = createDispatch({
    documents: createDocuments({}, options),
    connect: createConnect(options),
    rest: createRest(options),
    onFault: () => {},
  });
  const place = { host: "127.0.0.1", port: 0, handle, onFault: () => {} };
  const shared = await listen({ ...place, http2: createHttp2(handle) });
  const native = await listen({ ...place, http2: createGrpc(options) });
  return {
    shared,
    native,
    async close() {
      await Promise.all([shared.close(0), native.close(0)]);
    },
  };
}
