// The pipeline of a call in every protocol: guards and message limits.

import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, createServiceImplSpec } from "@connectrpc/connect";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  AdminService,
  type ImportDevicesRequest,
  ImportDevicesRequestSchema,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { ErrorInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import type { AuthError } from "../../src/core/errors.ts";
import type { Listener } from "../../src/http/listener.ts";
import { postJson } from "../ask.ts";
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
  const guard = guardOf(TOKEN);
  listener = await mountAll([{ spec: admin, guard, maxMessageBytes: LIMIT }], {
    onError: (error) => errors.push(error),
  });
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
});

test("REST limits the message of a service", async () => {
  const post = async (bytes: number): Promise<unknown> => {
    const around = JSON.stringify({ rows: [{ device_key: "" }] }).length;
    const rows = [{ device_key: "x".repeat(bytes - around) }];
    return JSON.parse((await postJson(new URL("/v1/devices:import", listener.url), { rows }, { headers })).body);
  };
  expect(await post(LIMIT)).toMatchObject({ created: 1 });
  expect(await post(LIMIT + 1)).toMatchObject({
    reason: "too_large",
    message: `the request has more than ${LIMIT} bytes`,
  });
});

const IMPORT = "/countersign.admin.v1.AdminService/ImportDevices";
const CHALLENGE = 'Bearer realm="countersign", error="invalid_token"';

test.each([
  ["REST", 1, "/v1/devices:import", "application/json"],
  ["REST", 2, "/v1/devices:import", "application/json"],
  ["Connect", 1, IMPORT, "application/proto"],
  ["Connect", 2, IMPORT, "application/proto"],
  ["gRPC", 2, IMPORT, "application/grpc"],
  ["gRPC-Web", 1, IMPORT, "application/grpc-web"],
  ["gRPC-Web", 2, IMPORT, "application/grpc-web"],
] as const)("a guard answers before the body arrives: %s over HTTP/%i", async (_name, version, path, type) => {
  const isGrpc = type.includes("grpc");
  const body = isGrpc ? envelope(Buffer.of(1), 0, LIMIT) : Buffer.from("{");
  const fields = { "content-type": type, authorization: "Bearer another" };
  const answer = await sendByHand(listener.url, { version, path, headers: fields, body, isUnfinished: true });
  expect(answer.headers["www-authenticate"]).toBe(CHALLENGE);
  if (isGrpc) expect(readGrpc(answer).code).toBe(16);
  else expect([answer.status, String(answer.body)]).toEqual([401, expect.stringMatching(/not an admin token/)]);
  expect([handled, errors.map(({ reason }) => reason)]).toEqual([0, ["invalid_admin_token"]]);
});
