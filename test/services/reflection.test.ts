// grpc.reflection v1 and v1alpha, in the protocols that have bidirectional streams.

import { create, createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, createClient, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, describe, expect, test } from "vitest";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { ServerReflection } from "../../gen/es/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../gen/es/grpc/reflection/v1alpha/reflection_pb.ts";
import { createReflectionServices } from "../../src/services/reflection.ts";
import { mountAll } from "../protocols/mount.ts";
import { transports } from "../protocols/transports.ts";

const services = createReflectionServices([{ service: AdminService, methods: {} }]);
const listener = await mountAll(services.map((spec) => ({ spec })));
afterAll(() => listener.close(0));

// Bidirectional streams need HTTP/2.
const ways = Object.entries(transports).filter(([name]) => !name.includes("HTTP/1.1"));

type Query =
  | { case: "listServices" | "fileByFilename" | "fileContainingSymbol" | "allExtensionNumbersOfType"; value: string }
  | { case: undefined };

describe.each([ServerReflection, ServerReflectionAlpha])("$typeName", (service) => {
  describe.each(ways)("by %s", (_name, createTransport) => {
    async function ask(...queries: readonly Query[]) {
      async function* requests() {
        for (const messageRequest of queries) yield { host: "any", messageRequest };
      }
      const answers = [];
      const client = createClient(service, createTransport(listener.url));
      for await (const { messageResponse } of client.serverReflectionInfo(requests())) answers.push(messageResponse);
      return answers;
    }

    test("lists the services and itself", async () => {
      const [answer] = await ask({ case: "listServices", value: "" });
      if (answer?.case !== "listServicesResponse") throw new TypeError(`the answer is ${answer?.case}`);
      expect(answer.value.service.map(({ name }) => name)).toEqual([
        "countersign.admin.v1.AdminService",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
      ]);
    });

    test("answers a service, a method, a field and a file with a file and everything that it imports", async () => {
      const names = ["AdminService", "AdminService.CreateDevice", "Device.device_key"];
      const answers = await ask(
        ...names.map((name): Query => ({ case: "fileContainingSymbol", value: `countersign.admin.v1.${name}` })),
        { case: "fileByFilename", value: "countersign/admin/v1/admin.proto" },
      );
      expect(answers).toHaveLength(4);
      for (const answer of answers) {
        if (answer.case !== "fileDescriptorResponse") throw new TypeError(`the answer is ${answer.case}`);
        const file = answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
        const registry = createFileRegistry(create(FileDescriptorSetSchema, { file }));
        expect(registry.getService(AdminService.typeName)?.methods).toHaveLength(AdminService.methods.length);
        expect(registry.getFile("google/protobuf/descriptor.proto")).toBeDefined();
      }
    });

    test("answers unknown names with errors, and continues", async () => {
      const answers = await ask(
        { case: "fileContainingSymbol", value: "nobody.Knows" },
        { case: "fileContainingSymbol", value: "" },
        { case: "fileByFilename", value: "nobody.proto" },
        { case: "allExtensionNumbersOfType", value: "nobody.Knows" },
        { case: undefined },
        { case: "allExtensionNumbersOfType", value: "google.protobuf.MethodOptions" },
      );
      const codes = answers.map((answer) => (answer.case === "errorResponse" ? answer.value.errorCode : answer.case));
      expect(codes).toEqual([...Array(4).fill(Code.NotFound), Code.InvalidArgument, "allExtensionNumbersResponse"]);
    });
  });
});

test("takes 100 calls at once", async () => {
  const { promise: end, resolve } = Promise.withResolvers<void>();
  /** Calls once, and keeps the call open until `until`. */
  async function ask(transport: Transport, until = Promise.resolve()): Promise<AsyncIterator<unknown>> {
    async function* requests() {
      yield { messageRequest: { case: "listServices" as const, value: "" } };
      await until;
    }
    const answers = createClient(ServerReflection, transport).serverReflectionInfo(requests())[Symbol.asyncIterator]();
    await answers.next();
    return answers;
  }
  const connections = Array.from({ length: 50 }, () => createGrpcTransport({ baseUrl: listener.url }));
  const held = await Promise.all(connections.flatMap((one) => [ask(one, end), ask(one, end)]));
  const more = createGrpcTransport({ baseUrl: listener.url });
  await expect(ask(more)).rejects.toMatchObject({ code: Code.ResourceExhausted });
  resolve();
  for (const answers of held) expect((await answers.next()).done).toBe(true);
  await ask(more);
});
