// Answers to operators' calls against the OpenAPI document.

import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { adminTokenId } from "../../src/core/registry/operators.ts";
import { ADMIN_TOKEN } from "../gateway.ts";
import { describeAnswers } from "./cases.ts";
import { readGenerated } from "./document.ts";
import {
  operatorCases as cases,
  ETAG,
  gateway,
  get,
  openForOperators,
  patch,
  post,
  remove,
  withCustomer,
  withDevice,
} from "./operator.ts";

openForOperators();

const CUSTOMERS = "/v1/customers";
const SIGNING_KEYS = "/v1/signing-keys";
const ownCustomer = (): string => `${CUSTOMERS}/${gateway.customerId}`;

describeAnswers([
  cases("CreateCustomer", `POST ${CUSTOMERS}`, {
    ok: () => post(CUSTOMERS, { display_name: "Acme", status: "STATUS_DISABLED", login_limit: "5/10s" }),
    malformed: () => post(CUSTOMERS, { display_name: "x".repeat(201) }),
    already_exists: () => withCustomer("twice", () => post(`${CUSTOMERS}?customer_id=twice`)),
  }),
  cases("GetCustomer", `GET ${CUSTOMERS}/nobody`, {
    ok: () => get(ownCustomer()),
    does_not_exist: () => get(`${CUSTOMERS}/nobody`),
  }),
  cases("ListCustomers", `GET ${CUSTOMERS}`, {
    ok: () => get(`${CUSTOMERS}?page_size=1`),
    malformed: () => get(`${CUSTOMERS}?filter=colour%3Dred`),
  }),
  cases("UpdateCustomer", `PATCH ${CUSTOMERS}/nobody`, {
    ok: [
      () => withCustomer("changed", (path) => patch(path, { login_limit: "off" })),
      () => withCustomer("changed-2", (path) => patch(`${path}?update_mask=display_name,login_limit`, {})),
    ],
    malformed: () => patch(`${CUSTOMERS}/nobody?update_mask=color`, {}),
    does_not_exist: () => patch(`${CUSTOMERS}/nobody`, { display_name: "x" }),
    etag_mismatch: () => withCustomer("changed-3", (path) => patch(path, { display_name: "x", etag: "another" })),
  }),
  cases("DeleteCustomer", `DELETE ${CUSTOMERS}/nobody`, {
    ok: () => withCustomer("gone", remove),
    does_not_exist: () => remove(`${CUSTOMERS}/nobody`),
    etag_mismatch: () => withCustomer("gone-2", (path) => remove(`${path}?etag=${ETAG}`)),
    failed_precondition: () => withDevice(() => remove(ownCustomer())),
  }),
  cases("IssueCustomerKey", `POST ${CUSTOMERS}/nobody/keys:issue`, {
    ok: () =>
      withCustomer("keys", (path) => issueKeys(path, { purpose: "KEY_PURPOSE_DERIVATION", imported_key: "short" })),
    malformed: () => issueKeys(`${CUSTOMERS}/nobody`, { imported_key: "x".repeat(1_025) }),
    does_not_exist: () => issueKeys(`${CUSTOMERS}/nobody`, {}),
    already_exists: () => withCustomer("keys-2", (path) => issueKeys(path, { imported_key: "the same key twice" }, 2)),
    failed_precondition: () => withCustomer("keys-3", (path) => issueKeys(path, {}, 4)),
  }),
  cases("ListCustomerKeys", `GET ${CUSTOMERS}/nobody/keys`, {
    ok: () => get(`${ownCustomer()}/keys`),
    malformed: () => get(`${ownCustomer()}/keys?page_size=-1`),
    does_not_exist: () => get(`${CUSTOMERS}/nobody/keys`),
  }),
  cases("GetCustomerKeyUsage", `GET ${CUSTOMERS}/nobody/keys:usage`, {
    ok: () => get(`${ownCustomer()}/keys:usage`),
    does_not_exist: () => get(`${CUSTOMERS}/nobody/keys:usage`),
  }),
  cases("RetireCustomerKey", "POST /v1/customer-keys/none:retire", {
    ok: () =>
      withCustomer("retired", async (path) => {
        const { key_id: keyId }: { key_id?: string } = JSON.parse(await (await issueKeys(path, {})).text());
        return post(`/v1/customer-keys/${keyId}:retire`);
      }),
    does_not_exist: () => post("/v1/customer-keys/none:retire", { validate_only: true }),
  }),
  cases("RevokeCustomerTokens", `POST ${CUSTOMERS}/nobody:revokeTokens`, {
    ok: () => withCustomer("revoked", (path) => post(`${path}:revokeTokens`)),
    does_not_exist: () => post(`${CUSTOMERS}/nobody:revokeTokens`),
  }),
  cases("CreateDevice", `POST ${CUSTOMERS}/nobody/devices`, {
    ok: () => post(`${ownCustomer()}/devices`, { key_mode: "KEY_MODE_DERIVED", labels: { site: "north" } }),
    malformed: () => post(`${CUSTOMERS}/nobody/devices`, { labels: { "no name": "" } }),
    does_not_exist: () => post(`${CUSTOMERS}/nobody/devices`),
    already_exists: async () =>
      post(`${ownCustomer()}/devices`, { device_key: await gateway.enrol({ deviceKey: "taken" }) }),
  }),
  cases("GetDevice", "GET /v1/devices/nobody", {
    ok: () => withDevice(get),
    does_not_exist: () => get("/v1/devices/nobody"),
  }),
  cases("ListDevices", "GET /v1/devices", {
    ok: () => withDevice(() => get("/v1/devices?filter=status%3Denabled")),
    malformed: () => get("/v1/devices?page_token=another"),
  }),
  cases("UpdateDevice", "PATCH /v1/devices/nobody", {
    ok: () => withDevice((path) => patch(path, { display_name: "x" })),
    malformed: () => patch("/v1/devices/nobody?update_mask=device_key", {}),
    does_not_exist: () => patch("/v1/devices/nobody", { display_name: "x" }),
    etag_mismatch: () => withDevice((path) => patch(path, { display_name: "x", etag: "another" })),
  }),
  cases("DeleteDevice", "DELETE /v1/devices/nobody", {
    ok: () => withDevice(remove),
    does_not_exist: () => remove("/v1/devices/nobody"),
    etag_mismatch: () => withDevice((path) => remove(`${path}?etag=${ETAG}`)),
  }),
  cases("ImportDevices", "POST /v1/devices:import", {
    ok: () => importRows({ device_key: "imported", customer_id: gateway.customerId }, { device_key: "no owner" }),
    malformed: () => importRows(...Array.from({ length: 1_001 }, () => ({}))),
  }),
  cases("RevokeDeviceTokens", "POST /v1/devices/nobody:revokeTokens", {
    ok: () => withDevice((path) => post(`${path}:revokeTokens`)),
    does_not_exist: () => post("/v1/devices/nobody:revokeTokens"),
  }),
  cases("DeriveDeviceKey", "POST /v1/devices/nobody:deriveKey", {
    ok: () =>
      withCustomer("derives", async (path) => {
        await (await issueKeys(path, { purpose: "KEY_PURPOSE_DERIVATION" })).text();
        return post(`/v1/devices/${await gateway.enrol({ customerId: "derives" })}:deriveKey`);
      }),
    does_not_exist: () => post("/v1/devices/nobody:deriveKey"),
    failed_precondition: () => withDevice((path) => post(`${path}:deriveKey`)),
  }),
  cases("ListSigningKeys", `GET ${SIGNING_KEYS}`, {
    ok: () => get(SIGNING_KEYS),
    malformed: () => get(`${SIGNING_KEYS}?page_size=-1`),
  }),
  cases("RotateSigningKey", `POST ${SIGNING_KEYS}:rotate`, {
    ok: () => post(`${SIGNING_KEYS}:rotate`, { now: true }),
    failed_precondition: () => post(`${SIGNING_KEYS}:rotate`),
  }),
  cases("RevokeSigningKey", `POST ${SIGNING_KEYS}/none:revoke`, {
    ok: async () => {
      const listed = await (await get(`${SIGNING_KEYS}?page_size=1`)).text();
      const { signing_keys: keys }: { signing_keys: { kid: string }[] } = JSON.parse(listed);
      return post(`${SIGNING_KEYS}/${keys[0]?.kid}:revoke`);
    },
    does_not_exist: () => post(`${SIGNING_KEYS}/none:revoke`),
  }),
  cases("ImportSigningKey", `POST ${SIGNING_KEYS}:import`, {
    ok: () => importKey({ kid: "old-server" }),
    malformed: () => importKey({ private_key: "none" }),
    already_exists: () => importKey({ kid: "old-server" }),
    failed_precondition: async () => {
      const stolen = { private_key: newKey() };
      await (await importKey({ ...stolen, kid: "stolen" })).text();
      await (await post(`${SIGNING_KEYS}/stolen:revoke`)).text();
      return importKey(stolen);
    },
  }),
  cases("RevokeToken", "POST /v1/tokens/any:revoke", {
    ok: () => post("/v1/tokens/AZq2K0mQyXx1bB2nT9cZ:revoke"),
    malformed: () => post("/v1/tokens/a%20b:revoke"),
  }),
  cases("IssueOperatorToken", "POST /v1/operators:issue", {
    ok: () => post("/v1/operators:issue", { name: "ada" }),
    malformed: () => post("/v1/operators:issue", { name: "" }),
  }),
  cases("ListOperatorTokens", "GET /v1/operators", {
    ok: () => get("/v1/operators"),
    malformed: () => get("/v1/operators?page_size=-1"),
  }),
  cases("RevokeOperatorToken", "POST /v1/operators/00000000:revoke", {
    ok: async () => {
      const issued = await (await post("/v1/operators:issue", { name: "ada" })).text();
      const { operator_token: token }: { operator_token: { token_id: string } } = JSON.parse(issued);
      return post(`/v1/operators/${token.token_id}:revoke`);
    },
    does_not_exist: () => post("/v1/operators/00000000:revoke"),
    failed_precondition: () => post(`/v1/operators/${adminTokenId(ADMIN_TOKEN)}:revoke`),
  }),
  cases("GetCallingOperator", "GET /v1/operators:self", { ok: () => get("/v1/operators:self") }),
  cases("CountDevices", "GET /v1/devices:count", {
    ok: () => get("/v1/devices:count"),
    malformed: () => get("/v1/devices:count?filter=colour%3Dred"),
  }),
  cases("ChangeDevices", "POST /v1/devices:change", {
    ok: () => post("/v1/devices:change", { device_keys: ["nobody"], action: "DEVICE_ACTION_ENABLE" }),
    malformed: () => post("/v1/devices:change", { device_keys: ["nobody"] }),
  }),
  cases("GetDeviceLimit", "GET /v1/devices/nobody:limit", {
    ok: () => withDevice((path) => get(`${path}:limit`)),
    does_not_exist: () => get("/v1/devices/nobody:limit"),
  }),
  cases("GetOverview", "GET /v1/overview", { ok: () => get("/v1/overview") }),
  cases("ListAuditEvents", "GET /v1/audit-events", {
    ok: () => get("/v1/audit-events"),
    malformed: () => get("/v1/audit-events?filter=colour%3Dred"),
  }),
  cases("ExplainLogin", "POST /v1/logins:explain", {
    ok: () => post("/v1/logins:explain", { device_key: "nobody", body: "e30=" }),
    malformed: () => post("/v1/logins:explain", { device_key: "", body: "e30=" }),
  }),
  cases("ResealSecrets", "POST /v1/secrets:reseal", { ok: () => post("/v1/secrets:reseal") }),
]);

/** Issues the same key `times` times. @returns the last answer */
async function issueKeys(path: string, key: object, times = 1): Promise<Response> {
  for (let issued = 1; issued < times; issued++) await (await post(`${path}/keys:issue`, key)).text();
  return post(`${path}/keys:issue`, key);
}

function importRows(...rows: readonly object[]): Promise<Response> {
  return post("/v1/devices:import", { rows });
}

/** Imports a new private key, unless `key` has one. */
function importKey(key: object): Promise<Response> {
  return post(`${SIGNING_KEYS}:import`, { private_key: newKey(), ...key });
}

function newKey(): string {
  return generateKeyPairSync("ec", { namedCurve: "P-256" })
    .privateKey.export({ format: "pem", type: "sec1" })
    .toString();
}

test("the document has every call of AdminService", () => {
  const ids = readGenerated("internal").operations.map(({ id }) => id);
  expect(ids.filter((id) => id.startsWith("AdminService_"))).toHaveLength(AdminService.methods.length);
});
