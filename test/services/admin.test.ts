// AdminService through a real gateway, by Connect's client and over REST.

import { generateKeyPairSync } from "node:crypto";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  AdminService,
  KeyMode,
  KeyPurpose,
  KeyState,
  SigningKeyState,
  Status,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { ErrorInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import { SEEN_MS } from "../../src/core/registry/ports.ts";
import { adminTokenId } from "../../src/services/admin-guard.ts";
import { ADMIN_TOKEN, openGateway, postLogin, type TestGateway } from "../gateway.ts";

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
    const all = await admin.updateCustomer({
      customer: { customerId: "masked", status: Status.ENABLED },
      updateMask: { paths: ["*"] },
    });
    expect(all).toMatchObject({ displayName: "", status: Status.ENABLED });
  });

  test("an empty name is malformed", async () => {
    for (const call of [admin.getCustomer({}), admin.updateCustomer({}), admin.deleteCustomer({})]) {
      expect(await failureOf(call)).toEqual([Code.InvalidArgument, "malformed", "customer_id"]);
    }
    for (const call of [
      admin.getDevice({}),
      admin.deleteDevice({}),
      admin.deriveDeviceKey({}),
      admin.explainLogin({}),
    ]) {
      expect(await failureOf(call)).toEqual([Code.InvalidArgument, "malformed", "device_key"]);
    }
    const device = { deviceKey: "d-1", customerId: "c-1" };
    expect((await failureOf(admin.createDevice({ device })))[2]).toBe("customer_id");
  });

  test("REST accepts both spellings of a mask, and prefers the name in the path", async () => {
    await admin.createCustomer({ customerId: "by-rest", customer: { displayName: "One", loginLimit: "off" } });
    for (const mask of ["display_name", "displayName"]) {
      const body = { customer_id: "another", display_name: mask, login_limit: "9/9s" };
      const answer = await rest("PATCH", `/v1/customers/by-rest?update_mask=${mask}`, body);
      expect(answer).toMatchObject({ http: 200, customer_id: "by-rest", display_name: mask, login_limit: "off" });
    }
  });

  test("the request and the resource may not name different customers", async () => {
    expect(await rest("POST", "/v1/customers", { customer_id: "in-body" })).toMatchObject({ customer_id: "in-body" });
    const both = admin.createCustomer({ customerId: "one", customer: { customerId: "other" } });
    expect(await failureOf(both)).toEqual([Code.InvalidArgument, "malformed", "customer_id"]);
  });
});

describe("customer keys", () => {
  test("are listed with their state and without their secret", async () => {
    await admin.createCustomer({ customerId: "keyed" });
    const later = { seconds: BigInt(NOW / 1000 + 3_600) };
    const issued = await admin.issueCustomerKey({ customerId: "keyed", notBefore: later });
    const { customerKeys } = await admin.listCustomerKeys({ customerId: "keyed" });
    expect(customerKeys).toMatchObject([
      { keyId: issued.keyId, purpose: KeyPurpose.LOGIN, state: KeyState.PENDING, notBefore: later },
    ]);
    expect(JSON.stringify(await rest("GET", "/v1/customers/keyed/keys"))).not.toContain(issued.customerKey);
    const { customerKey } = await admin.retireCustomerKey({ keyId: issued.keyId });
    expect(customerKey).toMatchObject({ state: KeyState.RETIRED, retireTime: { seconds: BigInt(NOW / 1000) } });
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

  test("belong to one customer", async () => {
    const device = { customerId: "another" };
    const failure = await failureOf(admin.createDevice({ customerId: gateway.customerId, device }));
    expect(failure).toEqual([Code.InvalidArgument, "malformed", "customer_id"]);
  });

  test("are not imported with an unknown enum value", async () => {
    const rows = [{ device_key: "strange", customer_id: gateway.customerId, key_mode: 9 }];
    const answer = await rest("POST", "/v1/devices:import", { rows });
    expect(answer).toMatchObject({ http: 400, reason: "malformed", field: "rows.key_mode" });
  });
});

test("signing keys are listed, page by page, and rotated, revoked and imported", async () => {
  const list = async () => (await admin.listSigningKeys({})).signingKeys;
  const first = await admin.listSigningKeys({ pageSize: 1 });
  const second = await admin.listSigningKeys({ pageSize: 1, pageToken: first.nextPageToken });
  expect([first.signingKeys.length, second.signingKeys.length, second.nextPageToken]).toEqual([1, 1, ""]);
  const { NEXT, ACTIVE, RETIRED, REVOKED } = SigningKeyState;
  const [active, next] = [ACTIVE, NEXT].map((state) =>
    [...first.signingKeys, ...second.signingKeys].find((key) => key.state === state),
  );
  const rotateTime = timestampFromMs(NOW + 90 * 86_400_000);
  expect(active).toMatchObject({ alg: "ES256", createTime: timestampFromMs(NOW), rotateTime });
  expect(next).toMatchObject({ alg: "ES256", createTime: timestampFromMs(NOW) });
  expect(next?.activateTime).toBeUndefined();

  const planned = await admin.rotateSigningKey({});
  expect([planned.active?.kid, planned.next?.kid]).toEqual([active?.kid, next?.kid]);
  expect(planned.rotateTime).toEqual(timestampFromMs(NOW + 1_200_000));
  clock.now += SEEN_MS;
  const rotated = await rest("POST", "/v1/signing-keys:rotate", { now: true });
  expect(rotated).toMatchObject({ http: 200, active: { kid: next?.kid, state: "SIGNING_KEY_STATE_ACTIVE" } });
  expect(rotated["rotate_time"]).toBeUndefined();
  expect(await list()).toContainEqual(expect.objectContaining({ kid: active?.kid, state: RETIRED }));

  const { privateKey } = generateKeyPairSync("ed25519");
  const text = privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  const imported = await admin.importSigningKey({ privateKey: text, kid: "old.1" });
  expect(imported).toMatchObject({ kid: "old.1", alg: "EdDSA", state: ACTIVE });
  const revoked = await admin.revokeSigningKey({ kid: "old.1" });
  expect(revoked).toMatchObject({ signingKey: { state: REVOKED }, active: { alg: "ES256", state: ACTIVE } });
  expect(await failureOf(admin.importSigningKey({ privateKey: text }))).toEqual([
    Code.FailedPrecondition,
    "failed_precondition",
    undefined,
  ]);
  expect(await failureOf(admin.revokeSigningKey({ kid: "none" }))).toEqual([Code.NotFound, "does_not_exist", "kid"]);
  const { auditEvents } = await admin.listAuditEvents({ filter: 'action = "ImportSigningKey"' });
  expect(auditEvents).toMatchObject([{ resource: "signing-keys/old.1", operator: "ada@ops-1" }]);
});

test("explainLogin names the mistake", async () => {
  const deviceKey = await gateway.enrol();
  const body = JSON.stringify({ device_key: deviceKey, timestamp: NOW, device_signature: "0".repeat(64) });
  expect((await postLogin(gateway.publicUrl, body)).status).toBe(400);
  const { wouldSucceed, findings } = await admin.explainLogin({ deviceKey, body: Buffer.from(body) });
  expect(wouldSucceed).toBe(false);
  expect(findings.map(({ code }) => code)).toContain("milliseconds");
});

test("resealSecrets reports when it is done", async () => {
  expect(await admin.resealSecrets({})).toMatchObject({ resealed: 0, unopened: 0, done: true });
});
