// grpc.reflection (v1, v1alpha) of services, made of their descriptors once a tool asks: a start need not wait for it. Knows no
// service.

import { create, type DescFile, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { ServiceImplSpec } from "@connectrpc/connect";
import type { MethodDefinition, Server, ServerDuplexStream, UntypedHandleCall } from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";

const METHOD = "ServerReflectionInfo";
const PATHS = ["v1", "v1alpha"].map((version) => `/grpc.reflection.${version}.ServerReflection/${METHOD}`);

type Stream = ServerDuplexStream<unknown, unknown>;

interface Reflection {
  readonly definition: MethodDefinition<unknown, unknown>;
  readonly handle: (stream: Stream) => void;
}

/** Adds both versions to a server. */
export function addReflection(server: Server, services: readonly ServiceImplSpec[]): void {
  let made: ReadonlyMap<string, Reflection> | undefined;
  const reflectionOf = (path: string): Reflection => {
    made ??= makeReflections(services);
    const reflection = made.get(path);
    if (reflection === undefined) throw new TypeError(`the library has no ${path}`);
    return reflection;
  };
  for (const path of PATHS) {
    const definition: MethodDefinition<unknown, unknown> = {
      path,
      requestStream: true,
      responseStream: true,
      requestSerialize: (message) => reflectionOf(path).definition.requestSerialize(message),
      requestDeserialize: (bytes) => reflectionOf(path).definition.requestDeserialize(bytes),
      responseSerialize: (message) => reflectionOf(path).definition.responseSerialize(message),
      responseDeserialize: (bytes) => reflectionOf(path).definition.responseDeserialize(bytes),
    };
    server.addService({ [METHOD]: definition }, { [METHOD]: (stream: Stream) => reflectionOf(path).handle(stream) });
  }
}

/** What the library would add to a server, by path. */
function makeReflections(services: readonly ServiceImplSpec[]): ReadonlyMap<string, Reflection> {
  const files = new Map<string, DescFile>();
  for (const { service } of services) collectFiles(service.file, files);
  const set = create(FileDescriptorSetSchema, { file: [...files.values()].map(({ proto }) => proto) });
  const descriptors = loadFileDescriptorSetFromBuffer(Buffer.from(toBinary(FileDescriptorSetSchema, set)));
  // Not health's own: what proto-loader makes of its map no tool takes.
  const names = services.map(({ service }) => service.typeName);

  const made = new Map<string, Reflection>();
  new ReflectionService(descriptors, { services: names }).addToServer({
    addService(methods, handlers) {
      const definition = methods[METHOD];
      const handle: UntypedHandleCall | undefined = handlers[METHOD];
      if (definition === undefined || handle === undefined) throw new TypeError(`the library has no ${METHOD}`);
      made.set(definition.path, { definition, handle: (stream) => Reflect.apply(handle, undefined, [stream]) });
    },
  });
  return made;
}

/** A file after those that it needs, as a descriptor set has them. */
function collectFiles(file: DescFile, files: Map<string, DescFile>): void {
  if (files.has(file.name)) return;
  for (const needed of file.dependencies) collectFiles(needed, files);
  files.set(file.name, file);
}
