// What gRPC tools ask a server about itself: health (grpc.health.v1) and reflection (v1, v1alpha). Knows no service.

import { create, type DescFile, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { ServiceImplSpec } from "@connectrpc/connect";
import type { Server } from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { addHealth, type Health } from "./grpc-health.ts";

/** Adds both to a server. Every service, and the server as a whole (the empty name), is serving until it drains. */
export function addIntrospection(server: Server, services: readonly ServiceImplSpec[]): Health {
  const names = ["", ...services.map(({ service }) => service.typeName)];
  const health = addHealth(server, names);

  const files = new Map<string, DescFile>();
  for (const { service } of services) collectFiles(service.file, files);
  const set = create(FileDescriptorSetSchema, { file: [...files.values()].map(({ proto }) => proto) });
  const definition = loadFileDescriptorSetFromBuffer(Buffer.from(toBinary(FileDescriptorSetSchema, set)));
  // Not health's own: what proto-loader makes of its map no tool takes.
  new ReflectionService(definition, { services: names.slice(1) }).addToServer(server);

  return health;
}

/** A file after those that it needs, as a descriptor set has them. */
function collectFiles(file: DescFile, files: Map<string, DescFile>): void {
  if (files.has(file.name)) return;
  for (const needed of file.dependencies) collectFiles(needed, files);
  files.set(file.name, file);
}
