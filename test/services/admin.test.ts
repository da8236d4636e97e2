// AdminService through a real gateway, by Connect's client and over REST, where etags are in headers both ways.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { describe, expect, test } from "vitest";
import { AdminService, type DeviceSchema, KeyMode, Status } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { ErrorInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import { adminTokenId } from "../../src/core/registry/operators.ts";
import { ADMIN_TOKEN, startFileGateway } from "../gateway.ts";

const OTHER_TOKEN = "the-other-token-of-the-test";
const NOW = 1_764_000_000_000;
const gateway = await startFileGateway({ OTHER_ADMIN_TOKEN: OTHER_TOKEN }, { now: () => NOW });
const admin = clientOf(ADMIN_TOKEN);

function clientOf(token: string, operator = "ada@ops-1"): Client<typeof AdminService> {
  const transport = createConnectTransport({
    baseUrl: gateway.internalUrl,
    httpVersion: "1.1",
    interceptors: [
      (next) => (request) => {
        request.header.set("authorization", `Bearer ${token}`);
        request.header.set("x-operator", operator);
        return next(request);
      },
    ],
  });
  return createClient(AdminService, transport);
}

async function failureOf(call: Promise<unknown>): Promise<readonly [Code, string | undefined, string | undefined]> {
  const failure = await call.then(
    () => undefined,
    (error: unknown) => ConnectError.from(error),
  );
  const [info] = failure?.findDetails(ErrorInfoSchema) ?? [];
  return [failure?.code ?? Code.Unknown, info?.reason, info?.metadata["field"]];
}

interface Sent {
  readonly body?: object;
  readonly ifMatch?: string;
}

/** Sends a REST call. @returns its status and ETag, and the members of its JSON body */
async function rest(verb: string, path: string, { body, ifMatch }: Sent = {}) {
  const headers = { Authorization: `Bearer ${ADMIN_TOKEN}`, "Content-Type": "application/json" };
  const response = await fetch(new URL(path, gateway.internalUrl), {
    method: verb,
    headers: { ...headers, ...(ifMatch !== undefined && { "If-Match": ifMatch }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { http: response.status, header: response.headers.get("ETag") ?? "", json: JSON.parse(await response.text()) };
}

test("two admin tokens are accepted at the same time, no third one is, and the audit log names the token", async () => {
  await clientOf(OTHER_TOKEN, "bob@ops-2").createCustomer({ customerId: "of-bob" });
  const { auditEvents } = await admin.listAuditEvents({ filter: 'resource = "customers/of-bob"' });
  expect(auditEvents).toMatchObject([
    {
      action: "CreateCustomer",
      customerId: "of-bob",
      tokenId: adminTokenId(OTHER_TOKEN),
      operator: "bob@ops-2",
      address: "127.0.0.1",
      requestId: expect.stringMatching(/\S{8,}/),
      time: { seconds: BigInt(NOW / 1000) },
    },
  ]);
  const failure = await failureOf(clientOf("a-third-token-of-the-test").listCustomers({}));
  expect(failure.slice(0, 2)).toEqual([Code.Unauthenticated, "invalid_admin_token"]);
});

describe("customers", () => {
  test("an update changes the fields in its mask, or without one the fields that are set", async () => {
    const customer = { customerId: "masked", displayName: "One", loginLimit: "5/10s" };
    await admin.createCustomer({ customer });
    const named = await admin.updateCustomer({
      customer: { ...customer, displayName: "Two", loginLimit: "" },
      updateMask: { paths: ["login_limit"] },
    });
    expect(named).toMatchObject({ displayName: "One", loginLimit: "", status: Status.ENABLED });
    const set = await admin.updateCustomer({ customer: { customerId: "masked", status: Status.DISABLED } });
    expect(set).toMatchObject({ displayName: "One", status: Status.DISABLED });
  });

  test("a missing name is malformed, and so are two different names", async () => {
    const { customerId } = gateway;
    for (const [call, field] of [
      [admin.updateCustomer({}), "customer_id"],
      [admin.createDevice({ device: { deviceKey: "d-1", customerId: "c-1" } }), "customer_id"],
      [admin.createDevice({ customerId, device: { customerId: "another" } }), "customer_id"],
      [admin.createCustomer({ customerId: "one", customer: { customerId: "other" } }), "customer_id"],
      [admin.getDevice({}), "device_key"],
      [admin.updateDevice({}), "device"],
      [admin.changeDevices({ filter: "failing = true" }), "action"],
      [admin.explainLogin({}), "device_key"],
    ] as const) {
      expect(await failureOf(call)).toEqual([Code.InvalidArgument, "malformed", field]);
    }
  });

  test("REST takes a new customer's name from the body and later from the path, and both spellings of a mask", async () => {
    const created = { customer_id: "by-rest", display_name: "One", login_limit: "off" };
    expect((await rest("POST", "/v1/customers", { body: created })).json).toMatchObject(created);
    for (const mask of ["display_name", "displayName"]) {
      const body = { customer_id: "another", display_name: mask, login_limit: "9/9s" };
      const { http, json } = await rest("PATCH", `/v1/customers/by-rest?update_mask=${mask}`, { body });
      expect(http).toBe(200);
      expect(json).toMatchObject({ customer_id: "by-rest", display_name: mask, login_limit: "off" });
    }
  });
});

describe("devices", () => {
  test("are created, changed, moved, revoked and deleted", async () => {
    const deviceKey = "pump/7:a";
    const draft = { deviceKey, displayName: "Pump", labels: { site: "north" } };
    const created = await admin.createDevice({ customerId: gateway.customerId, device: draft });
    expect(created).toMatchObject({ status: Status.ENABLED, keyMode: KeyMode.SHARED, replayGuard: false });
    const path = `/v1/devices/${encodeURIComponent(deviceKey)}`;
    expect((await rest("GET", path)).json).toMatchObject({ status: "STATUS_ENABLED", labels: { site: "north" } });

    const update = (field: string, values: Omit<MessageInitShape<typeof DeviceSchema>, "$typeName">) =>
      admin.updateDevice({ device: { deviceKey, ...values }, updateMask: { paths: [field] } });
    const moved = await update("key_mode", { keyMode: KeyMode.DERIVED, labels: { site: "south" } });
    expect(moved).toMatchObject({ keyMode: KeyMode.DERIVED, acceptsSharedKey: true, labels: { site: "north" } });
    const message = "accepts_shared_key is in update_mask and has no value";
    await expect(update("accepts_shared_key", { acceptsSharedKey: true })).rejects.toThrow(message);
    const finished = await update("accepts_shared_key", { acceptsSharedKey: false });
    expect(finished).toMatchObject({ keyMode: KeyMode.DERIVED, acceptsSharedKey: false });
    expect((await update("labels", {})).labels).toEqual({});

    expect(moved.tokensNotBefore).toBeUndefined();
    const revoked = await admin.revokeDeviceTokens({ deviceKey });
    expect(Number(revoked.tokensNotBefore?.seconds)).toBeGreaterThanOrEqual(NOW / 1000);

    expect(await rest("DELETE", path)).toEqual({ http: 200, header: "", json: {} });
    expect((await failureOf(admin.getDevice({ deviceKey })))[1]).toBe("does_not_exist");
  });

  test("are not imported with an unknown enum value", async () => {
    const rows = [{ device_key: "strange", customer_id: gateway.customerId, key_mode: 9 }];
    const answer = await rest("POST", "/v1/devices:import", { body: { rows } });
    expect(answer).toMatchObject({ http: 400, json: { reason: "malformed", field: "key_mode" } });
  });
});

test.each([
  ["customers", "/v1/customers?customer_id=matched", "/v1/customers/matched"],
  ["devices", "/v1/customers/CUSTOMER/devices", "/v1/devices/matched"],
])("etags of %s are in the ETag header, and If-Match works as the field does", async (_what, parent, path) => {
  const draft = { device_key: "matched", display_name: "One" };
  const created = await rest("POST", parent.replace("CUSTOMER", gateway.customerId), { body: draft });
  const { header: first } = await rest("GET", path);
  expect(created).toMatchObject({ http: 200, header: first, json: { etag: first } });
  const changed = await rest("PATCH", path, { ifMatch: first, body: { display_name: "New" } });
  expect(changed).toMatchObject({ http: 200, json: { display_name: "New", etag: changed.header } });
  expect(changed.header).not.toBe(first);

  const mismatch = { http: 409, json: { reason: "etag_mismatch", field: "etag" } };
  expect(await rest("PATCH", path, { ifMatch: first, body: { display_name: "Late" } })).toMatchObject(mismatch);
  expect(await rest("DELETE", path, { ifMatch: first })).toMatchObject(mismatch);
  const late = { display_name: "Late", etag: first };
  const conflicting = await rest("PATCH", path, { ifMatch: changed.header, body: late });
  expect(conflicting).toMatchObject({ http: 400, json: { message: "etag and If-Match differ. Send one of them" } });

  expect((await rest("GET", path)).json).toMatchObject({ display_name: "New" });
  expect((await rest("DELETE", path, { ifMatch: changed.header })).http).toBe(200);
});
