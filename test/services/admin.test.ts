// AdminService through a real gateway, by Connect's client and over REST.

import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AdminService, KeyMode, Status } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { ErrorInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import { adminTokenId } from "../../src/core/registry/operators.ts";
import { ADMIN_TOKEN, openGateway, type TestGateway } from "../gateway.ts";

const OTHER_TOKEN = "the-other-token-of-the-test";
const NOW = 1_764_000_000_000;
const clock = { now: NOW };

let gateway: TestGateway;
let admin: Client<typeof AdminService>;

beforeAll(async () => {
  gateway = await openGateway({ OTHER_ADMIN_TOKEN: OTHER_TOKEN }, { now: () => clock.now });
  admin = clientOf(ADMIN_TOKEN);
});
afterAll(() => gateway.close());

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

async function rest(verb: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(new URL(path, gateway.internalUrl), {
    method: verb,
    headers: { Authorization: `Bearer ${ADMIN_TOKEN}`, "Content-Type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { http: response.status, ...JSON.parse(await response.text()) };
}

describe("two admin tokens", () => {
  test("are accepted at once, and no third one", async () => {
    for (const token of [ADMIN_TOKEN, OTHER_TOKEN]) {
      expect((await clientOf(token).listCustomers({})).customers).not.toHaveLength(0);
    }
    const failure = await failureOf(clientOf("a-third-token-of-the-test").listCustomers({}));
    expect(failure.slice(0, 2)).toEqual([Code.Unauthenticated, "invalid_admin_token"]);
  });

  test("have ids in the audit log, which has neither token", async () => {
    await clientOf(OTHER_TOKEN, "bob@ops-2").createCustomer({ customerId: "of-bob" });
    const { auditEvents } = await admin.listAuditEvents({ filter: 'resource = "customers/of-bob"' });
    expect(auditEvents).toMatchObject([
      {
        action: "CreateCustomer",
        customerId: "of-bob",
        tokenId: adminTokenId(OTHER_TOKEN),
        operator: "bob@ops-2",
        address: "127.0.0.1",
        time: { seconds: BigInt(NOW / 1000) },
      },
    ]);
    expect(auditEvents[0]?.requestId).toMatch(/\S{8,}/);
  });
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

  test("a missing name, or two that differ, are malformed", async () => {
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

  test("REST accepts both spellings of a mask, and prefers the name in the path", async () => {
    await admin.createCustomer({ customerId: "by-rest", customer: { displayName: "One", loginLimit: "off" } });
    for (const mask of ["display_name", "displayName"]) {
      const body = { customer_id: "another", display_name: mask, login_limit: "9/9s" };
      const answer = await rest("PATCH", `/v1/customers/by-rest?update_mask=${mask}`, body);
      expect(answer).toMatchObject({ http: 200, customer_id: "by-rest", display_name: mask, login_limit: "off" });
    }
  });

  test("REST takes the name of a new customer from the body", async () => {
    expect(await rest("POST", "/v1/customers", { customer_id: "in-body" })).toMatchObject({ customer_id: "in-body" });
  });
});

describe("devices", () => {
  test("are created, changed, moved, revoked and deleted", async () => {
    const created = await admin.createDevice({
      customerId: gateway.customerId,
      device: { deviceKey: "pump/7:a", displayName: "Pump", labels: { site: "north" } },
    });
    expect(created).toMatchObject({ status: Status.ENABLED, keyMode: KeyMode.SHARED, replayGuard: false });
    const path = `/v1/devices/${encodeURIComponent("pump/7:a")}`;
    expect(await rest("GET", path)).toMatchObject({ status: "STATUS_ENABLED", labels: { site: "north" } });

    const moved = await admin.updateDevice({
      device: { deviceKey: "pump/7:a", keyMode: KeyMode.DERIVED, labels: { site: "south" } },
      updateMask: { paths: ["key_mode"] },
    });
    expect(moved).toMatchObject({ keyMode: KeyMode.DERIVED, acceptsSharedKey: true, labels: { site: "north" } });
    const finish = (acceptsSharedKey: boolean) =>
      admin.updateDevice({
        device: { deviceKey: "pump/7:a", acceptsSharedKey },
        updateMask: { paths: ["accepts_shared_key"] },
      });
    await expect(finish(true)).rejects.toThrow("accepts_shared_key is in update_mask and has no value");
    expect(await finish(false)).toMatchObject({ keyMode: KeyMode.DERIVED, acceptsSharedKey: false });

    expect(moved.tokensNotBefore).toBeUndefined();
    const revoked = await admin.revokeDeviceTokens({ deviceKey: "pump/7:a" });
    expect(Number(revoked.tokensNotBefore?.seconds)).toBeGreaterThanOrEqual(NOW / 1000);

    expect(await rest("DELETE", path)).toEqual({ http: 200 });
    expect((await failureOf(admin.getDevice({ deviceKey: "pump/7:a" })))[1]).toBe("does_not_exist");
  });

  test("lose their labels by a mask that names them", async () => {
    const deviceKey = await gateway.enrol({ labels: { site: "north" } });
    const { labels } = await admin.updateDevice({ device: { deviceKey }, updateMask: { paths: ["labels"] } });
    expect(labels).toEqual({});
  });

  test("are not imported with an unknown enum value", async () => {
    const rows = [{ device_key: "strange", customer_id: gateway.customerId, key_mode: 9 }];
    const answer = await rest("POST", "/v1/devices:import", { rows });
    expect(answer).toMatchObject({ http: 400, reason: "malformed", field: "key_mode" });
  });
});
