// What gRPC tools ask a server about itself: health (grpc.health.v1) and reflection (v1, v1alpha). Knows no service.

import { create, type DescFile, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { ServiceImplSpec } from "@connectrpc/connect";
import type { Server } from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { HealthImplementation } from "grpc-health-check";

export interface Introspection {
  /** From now on nothing more is served: balancers that watch go elsewhere. */
  readonly drain: () => void;
}

/** Adds both to a server. Every service, and the server as a whole (the empty name), is serving until it drains. */
export function addIntrospection(server: Server, services: readonly ServiceImplSpec[]): Introspection {
  const names = ["", ...services.map(({ service }) => service.typeName)];
  const health = new HealthImplementation(Object.fromEntries(names.map((name) => [name, "SERVING"])));
  health.addToServer(server);

  const files = new Map<string, DescFile>();
  for (const { service } of services) collectFiles(service.file, files);
  const set = create(FileDescriptorSetSchema, { file: [...files.values()].map(({ proto }) => proto) });
  const definition = loadFileDescriptorSetFromBuffer(Buffer.from(toBinary(FileDescriptorSetSchema, set)));
  new ReflectionService(definition, { services: names.slice(1) }).addToServer(server);

  return {
    drain() {
      for (const name of names) health.setStatus(name, "NOT_SERVING");
    },
  };
}

/** A file after those that it needs, as a descriptor set has them. */
function collectFiles(file: DescFile, files: Map<string, DescFile>): void {
  if (files.has(file.name)) return;
  for (const needed of file.dependencies) collectFiles(needed, files);
  files.set(file.name, file);
}
