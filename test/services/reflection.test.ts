// grpc.reflection v1 and v1alpha, in the protocols that have bidirectional streams.

import { create, createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, describe, expect, test } from "vitest";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { ServerReflection } from "../../gen/es/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../gen/es/grpc/reflection/v1alpha/reflection_pb.ts";
import { createReflectionServices } from "../../src/services/reflection.ts";
import { data, openConnection, openStream, settings } from "../frames.ts";
import { mountAll } from "../protocols/mount.ts";
import { transports } from "../protocols/transports.ts";

const services = createReflectionServices([{ service: AdminService, methods: {} }]);
const listener = await mountAll(services.map((spec) => ({ spec })));
afterAll(() => listener.close(0));

const versions = { v1: ServerReflection, v1alpha: ServerReflectionAlpha };
// Bidirectional streams need HTTP/2.
const ways = Object.entries(versions).flatMap(([version, service]) =>
  Object.entries(transports)
    .filter(([name]) => !name.includes("HTTP/1.1"))
    .map(([name, createTransport]) => [version, name, service, createTransport] as const),
);

describe.each(ways)("%s by %s", (_version, _name, service, createTransport) => {
  type Query =
    | { case: "listServices" | "fileByFilename" | "fileContainingSymbol" | "allExtensionNumbersOfType"; value: string }
    | { case: undefined };

  async function ask(...queries: readonly Query[]) {
    async function* requests() {
      for (const messageRequest of queries) yield { host: "any", messageRequest };
    }
    const answers = [];
    for await (const { messageResponse } of createClient(service, createTransport(listener.url)).serverReflectionInfo(
      requests(),
    )) {
      answers.push(messageResponse);
    }
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

  test.each<[string, Query]>([
    ["a service", { case: "fileContainingSymbol", value: "countersign.admin.v1.AdminService" }],
    ["a method", { case: "fileContainingSymbol", value: "countersign.admin.v1.AdminService.CreateDevice" }],
    ["a field", { case: "fileContainingSymbol", value: "countersign.admin.v1.Device.device_key" }],
    ["a file", { case: "fileByFilename", value: "countersign/admin/v1/admin.proto" }],
  ])("answers %s with a file and everything that it imports", async (_what, query) => {
    const [answer] = await ask(query);
    if (answer?.case !== "fileDescriptorResponse") throw new TypeError(`the answer is ${answer?.case}`);
    const file = answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file }));
    expect(registry.getService("countersign.admin.v1.AdminService")?.methods).toHaveLength(AdminService.methods.length);
    expect(registry.getFile("google/protobuf/descriptor.proto")).toBeDefined();
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

test("takes 100 calls at once", async () => {
  const client = createClient(ServerReflection, createGrpcTransport({ baseUrl: listener.url }));
  async function* requests() {
    yield { messageRequest: { case: "listServices" as const, value: "" } };
  }
  const ask = async (): Promise<string> => {
    try {
      for await (const _answer of client.serverReflectionInfo(requests()));
      return "answered";
    } catch (error) {
      return Code[ConnectError.from(error).code];
    }
  };
  const path = `/${ServerReflection.typeName}/ServerReflectionInfo`;
  const pseudo = { ":method": "POST", ":scheme": "http", ":path": path, ":authority": "a" };
  const headers = { ...pseudo, "content-type": "application/grpc", te: "trailers" };
  // `list_services` is field 7, here of no bytes.
  const list = Buffer.of(0, 0, 0, 0, 2, 0x3a, 0);
  const connections = await Promise.all(Array.from({ length: 50 }, () => openConnection(listener.url)));
  for (const connection of connections) {
    connection.write(settings());
    for (const stream of [1, 3]) connection.write(openStream(stream, headers, false), data(stream, list, false));
  }
  await Promise.all(connections.flatMap((connection) => [connection.isOk(1), connection.isOk(3)]));
  expect(await ask()).toBe("ResourceExhausted");
  for (const connection of connections) connection.destroy();
  await expect.poll(ask).toBe("answered");
});
