// How large a message may be: a bound for each service, told alike by every protocol; and of a stranger's nothing is read.

import { once } from "node:events";
import { request as openRequest } from "node:http";
import { connect } from "node:http2";
import { text } from "node:stream/consumers";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, createServiceImplSpec, type Transport } from "@connectrpc/connect";
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  AdminService,
  type ImportDevicesRequest,
  ImportDevicesRequestSchema,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { ErrorInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import type { AuthError } from "../../src/core/errors.ts";
import { createAdminGuard } from "../../src/services/admin-guard.ts";
import { type Mounted, mountAll } from "./mount.ts";

const LIMIT = 70_000;
const TOKEN = "the-token-of-the-test";

let mounted: Mounted;
let refused: AuthError[] = [];
let handled = 0;

beforeAll(async () => {
  const admin = createServiceImplSpec<typeof AdminService>(AdminService, {
    importDevices({ rows }) {
      handled++;
      return { created: rows.length };
    },
  });
  const auth = createServiceImplSpec<typeof AuthService>(AuthService, {
    login() {
      handled++;
      return { token: "t", expiresIn: 1 };
    },
  });
  const guard = createAdminGuard([TOKEN]);
  mounted = await mountAll([{ spec: admin, guard, maxMessageBytes: LIMIT }, { spec: auth }], (error) => {
    refused.push(error);
  });
});
afterAll(() => mounted.close());
beforeEach(() => {
  refused = [];
  handled = 0;
});

const transports: Readonly<Record<string, (compressed: boolean) => Transport>> = {
  Connect: (compressed) => createConnectTransport(optionsOf("shared", "1.1", compressed)),
  "Connect, HTTP/2": (compressed) => createConnectTransport(optionsOf("shared", "2", compressed)),
  "gRPC-Web": (compressed) => createGrpcWebTransport(optionsOf("shared", "1.1", compressed)),
  "gRPC, shared port": (compressed) => createGrpcTransport(optionsOf("shared", "2", compressed)),
  "gRPC, grpc-js": (compressed) => createGrpcTransport(optionsOf("native", "2", compressed)),
};

function optionsOf<Version extends "1.1" | "2">(port: "shared" | "native", httpVersion: Version, compressed: boolean) {
  return {
    baseUrl: mounted[port].url,
    httpVersion,
    useBinaryFormat: true,
    ...(compressed && { sendCompression: compressionGzip, compressMinBytes: 1 }),
  };
}

/** An import whose message has exactly so many bytes. */
function importOf(bytes: number): ImportDevicesRequest {
  const message = create(ImportDevicesRequestSchema, { rows: [{ deviceKey: "x".repeat(bytes - 20) }] });
  const [row] = message.rows;
  while (row !== undefined && toBinary(ImportDevicesRequestSchema, message).length < bytes) row.deviceKey += "x";
  return message;
}

function told(error: unknown): readonly [Code, string | undefined, string] {
  const failure = ConnectError.from(error);
  return [failure.code, failure.findDetails(ErrorInfoSchema)[0]?.reason, failure.rawMessage];
}

const tooLarge = (limit: number): readonly [Code, string, string] => [
  Code.ResourceExhausted,
  "too_large",
  `the request has more than ${limit} bytes`,
];

const headers = { authorization: `Bearer ${TOKEN}` };

describe.each(Object.entries(transports))("%s", (_name, createTransport) => {
  test.each([
    ["as it is", false],
    ["compressed", true],
  ])("takes what is at the limit of a service and nothing over it, %s", async (_how, compressed) => {
    const client = createClient(AdminService, createTransport(compressed));
    const { created } = await client.importDevices(importOf(LIMIT), { headers });
    expect(created).toBe(1);
    const failure = await client.importDevices(importOf(LIMIT + 1), { headers }).catch(told);
    expect(failure).toEqual(tooLarge(LIMIT));
    const far = await client.importDevices(importOf(3 * LIMIT), { headers }).catch(told);
    expect(far).toEqual(tooLarge(LIMIT));
    expect(handled).toBe(1);
    expect(refused.map(({ reason }) => reason)).toEqual(["too_large", "too_large"]);
  });

  test.each([
    ["as it is", false],
    ["compressed", true],
  ])("keeps the usual limit for a service that says nothing, %s", async (_how, compressed) => {
    const client = createClient(AuthService, createTransport(compressed));
    const login = { timestamp: 1n, deviceSignature: "" };
    // Two fields: a tag, a length of two bytes, the text; a tag and the number.
    await client.login({ ...login, deviceKey: "x".repeat(4096 - 3 - 2) });
    const failure = await client.login({ ...login, deviceKey: "x".repeat(4096 - 3 - 1) }).catch(told);
    expect(failure).toEqual(tooLarge(4096));
    expect(handled).toBe(1);
  });
});

test("REST takes what is at the limit of a service and nothing over it", async () => {
  const post = async (bytes: number): Promise<unknown> => {
    const around = JSON.stringify({ rows: [{ device_key: "" }] }).length;
    const response = await fetch(new URL("/v1/devices:import", mounted.shared.url), {
      method: "POST",
      headers: { ...headers, "Content-Type": "application/json" },
      body: JSON.stringify({ rows: [{ device_key: "x".repeat(bytes - around) }] }),
    });
    const { reason, message }: { reason?: string; message?: string } = JSON.parse(await response.text());
    return [response.status, reason, message];
  };
  expect(await post(LIMIT)).toEqual([200, undefined, undefined]);
  expect(await post(LIMIT + 1)).toEqual([413, "too_large", `the request has more than ${LIMIT} bytes`]);
});

describe("of a stranger's message nothing is read:", () => {
  test.each([
    ["REST", "/v1/devices:import", "application/json"],
    ["Connect", "/countersign.admin.v1.AdminService/ImportDevices", "application/proto"],
    ["gRPC-Web", "/countersign.admin.v1.AdminService/ImportDevices", "application/grpc-web"],
  ])("%s answers before the body has come", async (_what, path, contentType) => {
    const request = openRequest(new URL(path, mounted.shared.url), {
      method: "POST",
      headers: { "Content-Type": contentType, "Content-Length": 4 * 1024 * 1024, Authorization: "Bearer another" },
    });
    request.on("error", () => {});
    request.write("{");
    const [response] = await once(request, "response");
    expect(await text(response)).toMatch(/not.*an.*admin.*token/);
    request.destroy();
    expect(handled).toBe(0);
  });

  test.each(["shared", "native"] as const)("gRPC on the %s port does so too", async (port) => {
    const session = connect(mounted[port].url);
    const stream = session.request({
      ":method": "POST",
      ":path": "/countersign.admin.v1.AdminService/ImportDevices",
      "content-type": "application/grpc",
      te: "trailers",
    });
    stream.on("error", () => {});
    // A message of 64 KiB is announced, and does not come.
    stream.write(Buffer.of(0, 0, 1, 0, 0, 1));
    expect(await outcome(stream)).toEqual(["16", 'Bearer realm="countersign", error="invalid_token"']);
    session.destroy();
    expect(handled).toBe(0);
    expect(refused.map(({ reason }) => reason)).toEqual(["invalid_admin_token"]);
  });

  test("and of one over its method's limit no more than what announces it", async () => {
    const session = connect(mounted.native.url);
    const stream = session.request({
      ":method": "POST",
      ":path": "/countersign.auth.v1.AuthService/Login",
      "content-type": "application/grpc",
      te: "trailers",
    });
    stream.on("error", () => {});
    stream.write(Buffer.of(0, 0, 0, 16, 1));
    expect((await outcome(stream))[0]).toBe("8");
    session.destroy();
  });
});

/** A call's status, and the challenge in its headers. */
async function outcome(stream: ReturnType<ReturnType<typeof connect>["request"]>): Promise<readonly unknown[]> {
  const trailers: Promise<unknown[]> = once(stream, "trailers");
  const [response] = await once(stream, "response");
  stream.resume();
  const status = response["grpc-status"] ?? Object((await trailers)[0])["grpc-status"];
  return [status, response["www-authenticate"]];
}
