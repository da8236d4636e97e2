// The streaming services, health and reflection, in every protocol.

import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { create, createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, createClient, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { ServerReflection } from "../../gen/es/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../gen/es/grpc/reflection/v1alpha/reflection_pb.ts";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/es/health/v1/health_pb.ts";
import { createHealthService } from "../../src/services/health.ts";
import { createReflectionServices } from "../../src/services/reflection.ts";
import { transports } from "../protocols/channels.ts";
import { envelope, type HandAnswer, sendByHand } from "../protocols/hand.ts";
import { mountAll, scriptedService } from "../protocols/mount.ts";

const faults: unknown[] = [];
const { spec: health } = createHealthService([]);
const services = [health, ...createReflectionServices([{ service: AdminService, methods: {} }])];
const listener = await mountAll(
  services.map((spec) => ({ spec })),
  { onFault: (error) => faults.push(error) },
);
afterAll(() => listener.close(0));

const grpc = (baseUrl: string) => createGrpcTransport({ baseUrl });

async function openHealth(createTransport: (typeof transports)[string]) {
  const { spec, drain } = createHealthService([scriptedService()]);
  const listener = await mountAll([{ spec }]);
  onTestFinished(async () => void (await listener.close(0)));
  const client = createClient(Health, createTransport(listener.url));
  const watch = (service: string) => {
    const answers = client.watch({ service })[Symbol.asyncIterator]();
    return async () => (await answers.next()).value?.status;
  };
  return { client, drain, watch, url: listener.url };
}

const NAMES = ["", Health.typeName, AuthService.typeName];

test.each(Object.entries(transports))(
  "%s: Check, List and Watch report a drain, and Watch ends",
  async (_name, way) => {
    const { client, drain, watch } = await openHealth(way);
    for (const service of NAMES) expect((await client.check({ service })).status).toBe(Status.SERVING);
    await expect(client.check({ service: "nobody" })).rejects.toMatchObject({ code: Code.NotFound });
    const [known, unknown] = [watch(AuthService.typeName), watch("nobody")];
    expect([await known(), await unknown()]).toEqual([Status.SERVING, Status.SERVICE_UNKNOWN]);
    drain();
    expect([await known(), await known()]).toEqual([Status.NOT_SERVING, undefined]);
    const late = watch("");
    expect([await late(), await late()]).toEqual([Status.NOT_SERVING, undefined]);
    expect((await client.check({ service: "" })).status).toBe(Status.NOT_SERVING);
    const { statuses } = await client.list({});
    const listed = Object.entries(statuses).map(([name, { status }]) => [name, status]);
    expect(listed).toEqual(NAMES.map((name) => [name, Status.NOT_SERVING]));
  },
);

test("a connection has two Watch calls at a time", async () => {
  const { watch } = await openHealth(grpc);
  const [first, second] = [watch(""), watch("")];
  expect([await first(), await second()]).toEqual([Status.SERVING, Status.SERVING]);
  await expect(watch("")()).rejects.toMatchObject({ code: Code.ResourceExhausted });
});

test.each(["garbage\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"])(
  "a Watch over HTTP/1 ends when other bytes follow it: %j",
  async (later) => {
    const { url } = await openHealth(grpc);
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    const type = "Content-Type: application/grpc-web+proto";
    socket.write(`POST /${Health.typeName}/Watch HTTP/1.1\r\n${type}\r\nContent-Length: 5\r\n\r\n\0\0\0\0\0`);
    await once(socket, "data");
    socket.write(later);
    await once(socket, "close");
  },
);

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

const WATCH = "/grpc.health.v1.Health/Watch";
const INFO = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const TYPES = ["grpc", "grpc+json", "grpc-web+proto", "grpc-web+json", "connect+proto", "connect+json"];

const BROKEN = envelope(Buffer.of(0xff));
/** None is a message in protobuf, nor in JSON. */
const CASES = [
  ["half a message", envelope(Buffer.of(0x0a, 5, 1))],
  ["half an object", envelope(Buffer.from("{"))],
  ["an array", envelope(Buffer.from("[]"))],
  ["text that is not UTF-8", envelope(Buffer.of(0x0a, 1, 0xff))],
  ["half an envelope", Buffer.alloc(3)],
  ["a compressed envelope without an encoding", envelope(Buffer.of(1), 1)],
  ["a broken message with 500,000 bytes after it", Buffer.concat([BROKEN, Buffer.alloc(500_000)])],
] as const;

/** The code of an answer: in gRPC's trailers, in gRPC-Web's or Connect's last envelope. */
function codeIn({ headers, trailers, body }: Pick<HandAnswer, "headers" | "trailers" | "body">): string {
  const text = body.toString("latin1");
  const status = trailers["grpc-status"] ?? headers["grpc-status"] ?? /grpc-status: ?(\d+)/i.exec(text)?.[1];
  return String(status ?? /"code":"(\w+)"/.exec(text)?.[1]).replace(/^3$/, "invalid_argument");
}

async function send(version: 1 | 2, path: string, type: string, body: Buffer): Promise<string> {
  const headers = { "content-type": `application/${type}`, te: "trailers" };
  return codeIn(await sendByHand(listener.url, { version, path, headers, body }));
}

test("an error repeats nothing of the message or the timeout", async () => {
  const headers = { "content-type": "application/grpc+json", te: "trailers", "grpc-timeout": "600H" };
  const body = envelope(Buffer.from("STRANGER"));
  const { trailers } = await sendByHand(listener.url, { version: 2, path: WATCH, headers, body });
  expect([trailers["grpc-status"], trailers["grpc-message"]]).toEqual(["3", "the%20message%20cannot%20be%20read"]);
});

describe.each(TYPES)("%s", (type) => {
  test.for(CASES)("%s is invalid_argument", async ([, body]) => {
    for (const path of [WATCH, INFO]) expect(await send(2, path, type, body)).toBe("invalid_argument");
    // gRPC and bidirectional streams need HTTP/2.
    if (/-web|connect/.test(type)) expect(await send(1, WATCH, type, body)).toBe("invalid_argument");
    expect(faults).toEqual([]);
  });
});

/** Opens a call of reflection, whose first message cannot be read. @returns its status once it is answered */
async function openBroken() {
  const session = connectHttp2(listener.url);
  const stream = session.request({ ":method": "POST", ":path": INFO, "content-type": "application/grpc" });
  stream.on("error", () => {}).write(BROKEN);
  const [trailers] = await once(stream.resume(), "trailers");
  return { session, stream, status: trailers["grpc-status"] };
}

test("the answer comes while the caller still sends, and the rest is read", async () => {
  const { session, stream, status } = await openBroken();
  expect(status).toBe("3");
  stream.end(Buffer.alloc(500_000));
  await once(stream, "close");
  expect(stream.rstCode).toBe(0);
  session.destroy();
});

test("a caller that disconnects before the end of its request is not a fault", async () => {
  const { session } = await openBroken();
  session.destroy();
  await fetch(listener.url);
  expect(faults).toEqual([]);
});
