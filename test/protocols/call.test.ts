// The pipeline of a call in every protocol: unknown methods, guards, message limits.

import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, createServiceImplSpec } from "@connectrpc/connect";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  AdminService,
  type ImportDevicesRequest,
  ImportDevicesRequestSchema,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { TokenService } from "../../gen/es/countersign/token/v1/token_pb.ts";
import { ErrorInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import type { AuthError } from "../../src/core/errors.ts";
import type { Listener } from "../../src/http/listener.ts";
import { envelope, readGrpc, sendByHand } from "./hand.ts";
import { guardOf, mountAll } from "./mount.ts";
import { transports } from "./transports.ts";

const LIMIT = 70_000;
const TOKEN = "the-token-of-the-test";
const headers = { authorization: `Bearer ${TOKEN}` };

let listener: Listener;
let handled = 0;
const errors: AuthError[] = [];

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
  const guard = guardOf(TOKEN);
  const services = [{ spec: admin, guard, maxMessageBytes: LIMIT }, { spec: auth }];
  listener = await mountAll(services, { onError: (error) => errors.push(error) });
});
afterAll(() => listener.close(0));
beforeEach(() => {
  errors.length = 0;
  handled = 0;
});

/** An import whose message has exactly `bytes` bytes. */
function importOf(bytes: number): ImportDevicesRequest {
  const message = create(ImportDevicesRequestSchema, { rows: [{ deviceKey: "x".repeat(bytes - 20) }] });
  const [row] = message.rows;
  while (row !== undefined && toBinary(ImportDevicesRequestSchema, message).length < bytes) row.deviceKey += "x";
  return message;
}

function describeError(thrown: unknown): readonly [Code, string | undefined, string] {
  const error = ConnectError.from(thrown);
  return [error.code, error.findDetails(ErrorInfoSchema)[0]?.reason, error.rawMessage];
}

const tooLarge = (limit: number) => [Code.ResourceExhausted, "too_large", `the request has more than ${limit} bytes`];

describe.each(Object.entries(transports).filter(([name]) => !name.includes("JSON")))("%s", (_name, createTransport) => {
  test.each([false, true])("limits the message of a service, compressed: %s", async (isCompressed) => {
    const client = createClient(AdminService, createTransport(listener.url, { isCompressed }));
    expect((await client.importDevices(importOf(LIMIT), { headers })).created).toBe(1);
    for (const bytes of [LIMIT + 1, 3 * LIMIT]) {
      expect(await client.importDevices(importOf(bytes), { headers }).catch(describeError)).toEqual(tooLarge(LIMIT));
    }
    expect(handled).toBe(1);
    expect(errors.map(({ reason }) => reason)).toEqual(["too_large", "too_large"]);
  });

  test("answers a call of an unknown service with unimplemented", async () => {
    const client = createClient(TokenService, createTransport(listener.url));
    const failed = client.verify({}).then(() => Promise.reject(new Error("the call succeeded")), describeError);
    const [code, , message] = await failed;
    expect(code).toBe(Code.Unimplemented);
    expect(message).toMatch(/^there is (no such method|nothing at this path) on this listener$/);
    expect(errors.map(({ reason }) => reason)).toEqual(["not_found"]);
  });
});

test("REST limits the message of a service", async () => {
  const post = async (bytes: number): Promise<unknown> => {
    const around = JSON.stringify({ rows: [{ device_key: "" }] }).length;
    const response = await fetch(new URL("/v1/devices:import", listener.url), {
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

describe("a guard answers before the body arrives", () => {
  const path = "/countersign.admin.v1.AdminService/ImportDevices";
  const authorization = "Bearer another";

  test.each([
    ["REST", 1, "/v1/devices:import", "application/json"],
    ["REST", 2, "/v1/devices:import", "application/json"],
    ["Connect", 1, path, "application/proto"],
    ["Connect", 2, path, "application/proto"],
  ] as const)("%s over HTTP/%i", async (_name, version, where, type) => {
    const fields = { "content-type": type, authorization };
    const body = Buffer.from("{");
    const answer = await sendByHand(listener.url, { version, path: where, headers: fields, body, isUnfinished: true });
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.body.toString()).message).toMatch(/not an admin token/);
    expect([handled, errors.map(({ reason }) => reason)]).toEqual([0, ["invalid_admin_token"]]);
  });

  test.each([
    ["gRPC", 2, "application/grpc"],
    ["gRPC-Web", 1, "application/grpc-web"],
    ["gRPC-Web", 2, "application/grpc-web"],
  ] as const)("%s over HTTP/%i", async (_name, version, type) => {
    const body = envelope(Buffer.of(1), 0, LIMIT);
    const fields = { "content-type": type, authorization };
    const answer = await sendByHand(listener.url, { version, path, headers: fields, body, isUnfinished: true });
    const { code, headers: received } = readGrpc(answer);
    expect([code, received["www-authenticate"]]).toEqual([16, 'Bearer realm="countersign", error="invalid_token"']);
    expect([handled, errors.map(({ reason }) => reason)]).toEqual([0, ["invalid_admin_token"]]);
  });
});
