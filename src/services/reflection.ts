// grpc.reflection of mounted services, v1 and v1alpha.

import { createRegistry, type DescExtension, type DescFile, type Registry, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, createServiceImplSpec, type ServiceImplSpec } from "@connectrpc/connect";
import { ServerReflection, type ServerReflectionRequest } from "../../gen/es/grpc/reflection/v1/reflection_pb.ts";
import {
  ServerReflection as ServerReflectionAlpha,
  type ServerReflectionRequest as ServerReflectionRequestAlpha,
} from "../../gen/es/grpc/reflection/v1alpha/reflection_pb.ts";

/** Both versions, which describe `services` and themselves. */
export function createReflectionServices(services: readonly ServiceImplSpec[]): readonly ServiceImplSpec[] {
  const described = [...services.map(({ service }) => service), ServerReflection, ServerReflectionAlpha];
  const files = new Map<string, DescFile>();
  for (const { file } of described) for (const one of withDependencies(file)) files.set(one.proto.name, one);
  const registry = createRegistry(...files.values());
  const names = described.map(({ typeName }) => ({ name: typeName })).sort((a, b) => (a.name < b.name ? -1 : 1));

  function answer({
    host,
    messageRequest: { case: kind, value },
  }: ServerReflectionRequest | ServerReflectionRequestAlpha) {
    const found = (file: DescFile | undefined) =>
      file === undefined
        ? notFound(`there is no such ${kind === "fileByFilename" ? "file" : "symbol"}`)
        : fileResponse(file);
    const respond = () => {
      switch (kind) {
        case "listServices":
          return { case: "listServicesResponse", value: { service: names } } as const;
        case "fileByFilename":
          return found(files.get(value));
        case "fileContainingSymbol":
          return found(fileOfSymbol(registry, value));
        case "fileContainingExtension":
          return found(
            extensionsOf(registry, value.containingType).find((one) => one.number === value.extensionNumber)?.file,
          );
        case "allExtensionNumbersOfType": {
          if (registry.getMessage(value) === undefined) return notFound("there is no such message");
          const extensionNumber = extensionsOf(registry, value).map(({ number }) => number);
          return { case: "allExtensionNumbersResponse", value: { baseTypeName: value, extensionNumber } } as const;
        }
        case undefined:
          return errorResponse(Code.InvalidArgument, "the request asks for nothing");
      }
    };
    return { validHost: host, messageResponse: respond() };
  }

  return [
    createServiceImplSpec<typeof ServerReflection>(ServerReflection, {
      async *serverReflectionInfo(requests) {
        for await (const request of requests) yield { originalRequest: request, ...answer(request) };
      },
    }),
    createServiceImplSpec<typeof ServerReflectionAlpha>(ServerReflectionAlpha, {
      async *serverReflectionInfo(requests) {
        for await (const request of requests) yield { originalRequest: request, ...answer(request) };
      },
    }),
  ];
}

/** A file after the files that it imports. */
function withDependencies(file: DescFile): DescFile[] {
  return [...new Set([...file.dependencies.flatMap(withDependencies), file])];
}

/** The file of a type or, by the name of what it belongs to, of a field, value or method. */
function fileOfSymbol(registry: Registry, symbol: string): DescFile | undefined {
  const parent = symbol.slice(0, Math.max(0, symbol.lastIndexOf(".")));
  return (registry.get(symbol) ?? memberOf(registry, parent, symbol.slice(parent.length + 1)))?.file;
}

function memberOf(registry: Registry, parent: string, name: string): { readonly file: DescFile } | undefined {
  const type = registry.get(parent);
  const members =
    type?.kind === "message"
      ? type.members
      : type?.kind === "service"
        ? type.methods
        : type?.kind === "enum"
          ? type.values
          : [];
  return members.some((member) => member.name === name) ? type : undefined;
}

function extensionsOf(registry: Registry, typeName: string): DescExtension[] {
  return [...registry].filter((type) => type.kind === "extension").filter((one) => one.extendee.typeName === typeName);
}

function fileResponse(file: DescFile) {
  const fileDescriptorProto = withDependencies(file).map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } } as const;
}

function notFound(errorMessage: string) {
  return errorResponse(Code.NotFound, errorMessage);
}

function errorResponse(errorCode: Code, errorMessage: string) {
  return { case: "errorResponse", value: { errorCode, errorMessage } } as const;
}
