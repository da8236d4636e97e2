// grpc.reflection, v1 and v1alpha, of mounted services.

import { createRegistry, type DescExtension, type DescFile, type Registry, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, createServiceImplSpec, type ServiceImplSpec } from "@connectrpc/connect";
import { ServerReflection, type ServerReflectionRequest } from "../../gen/es/grpc/reflection/v1/reflection_pb.ts";
import {
  ServerReflection as ServerReflectionAlpha,
  type ServerReflectionRequest as ServerReflectionRequestAlpha,
} from "../../gen/es/grpc/reflection/v1alpha/reflection_pb.ts";

type Request = ServerReflectionRequest | ServerReflectionRequestAlpha;

/** Creates both versions. They describe `services` and themselves. */
export function createReflectionServices(services: readonly ServiceImplSpec[]): readonly ServiceImplSpec[] {
  const described = [...services.map(({ service }) => service), ServerReflection, ServerReflectionAlpha];
  const files = new Map<string, DescFile>();
  for (const { file } of described) for (const one of withImports(file)) files.set(one.proto.name, one);
  const registry = createRegistry(...files.values());
  // Serialised once, however often callers ask.
  const serialised = new Map(
    [...files.values()].map((file) => [file, toBinary(FileDescriptorProtoSchema, file.proto)]),
  );
  const names = described.map(({ typeName }) => ({ name: typeName })).sort((a, b) => (a.name < b.name ? -1 : 1));

  function respond({ messageRequest: { case: kind, value } }: Request) {
    switch (kind) {
      case "listServices":
        return { case: "listServicesResponse", value: { service: names } } as const;
      case "fileByFilename":
        return fileResponse(files.get(value), "there is no such file");
      case "fileContainingSymbol": {
        // A field, enum value or method is in the file of its type.
        const type = registry.get(value) ?? registry.get(value.slice(0, Math.max(0, value.lastIndexOf("."))));
        return fileResponse(type?.file, "there is no such symbol");
      }
      case "fileContainingExtension": {
        const extensions = extensionsOf(registry, value.containingType);
        const extension = extensions.find(({ number }) => number === value.extensionNumber);
        return fileResponse(extension?.file, "there is no such extension");
      }
      case "allExtensionNumbersOfType": {
        if (registry.getMessage(value) === undefined) return errorResponse(Code.NotFound, "there is no such message");
        const extensionNumber = extensionsOf(registry, value).map(({ number }) => number);
        return { case: "allExtensionNumbersResponse", value: { baseTypeName: value, extensionNumber } } as const;
      }
      case undefined:
        return errorResponse(Code.InvalidArgument, "the request asks for nothing");
    }
  }

  function fileResponse(file: DescFile | undefined, missing: string) {
    if (file === undefined) return errorResponse(Code.NotFound, missing);
    const fileDescriptorProto = withImports(file).flatMap((one) => serialised.get(one) ?? []);
    return { case: "fileDescriptorResponse", value: { fileDescriptorProto } } as const;
  }

  async function* serverReflectionInfo<Sent extends Request>(requests: AsyncIterable<Sent>) {
    for await (const request of requests) {
      yield { originalRequest: request, validHost: request.host, messageResponse: respond(request) };
    }
  }

  return [
    createServiceImplSpec<typeof ServerReflection>(ServerReflection, { serverReflectionInfo }),
    createServiceImplSpec<typeof ServerReflectionAlpha>(ServerReflectionAlpha, { serverReflectionInfo }),
  ];
}

/** A file, after the files that it imports. */
function withImports(file: DescFile): DescFile[] {
  return [...new Set([...file.dependencies.flatMap(withImports), file])];
}

function extensionsOf(registry: Registry, typeName: string): DescExtension[] {
  return [...registry].filter((type) => type.kind === "extension").filter((one) => one.extendee.typeName === typeName);
}

function errorResponse(errorCode: Code, errorMessage: string) {
  return { case: "errorResponse", value: { errorCode, errorMessage } } as const;
}
