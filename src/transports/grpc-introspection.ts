// What gRPC tools ask a server about itself: health (grpc.health.v1) and reflection (v1, v1alpha). Knows no service.

import type { ServiceImplSpec } from "@connectrpc/connect";
import type { Server } from "@grpc/grpc-js";
import { addHealth, type Health } from "./grpc-health.ts";
import { addReflection } from "./grpc-reflection.ts";

/** Adds both to a server. Every service, and the server as a whole (the empty name), is serving until it drains. */
export function addIntrospection(server: Server, services: readonly ServiceImplSpec[]): Health {
  addReflection(server, services);
  return addHealth(server, ["", ...services.map(({ service }) => service.typeName)]);
}
