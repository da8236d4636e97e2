// Answers to operators' calls against the OpenAPI document: every kind that is documented comes, and no other.

import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { describeAnswers } from "./openapi-cases.ts";
import {
  casesOf,
  ETAG,
  gateway,
  get,
  openForOperators,
  patch,
  post,
  remove,
  withCustomer,
  withDevice,
} from "./openapi-operator.ts";

openForOperators();

describeAnswers([
  casesOf(
    "CreateCustomer",
    ["POST", "/v1/customers", {}],
    [
      ["ok", () => post("/v1/customers", { display_name: "Acme", status: "STATUS_DISABLED", login_limit: "5/10s" })],
      ["malformed", () => post("/v1/customers", { display_name: "x".repeat(201) })],
      ["already_exists", () => withCustomer("twice", () => post("/v1/customers?customer_id=twice"))],
    ],
  ),
  casesOf(
    "GetCustomer",
    ["GET", "/v1/customers/nobody"],
    [
      ["ok", () => get(`/v1/customers/${gateway.customerId}`)],
      ["does_not_exist", () => get("/v1/customers/nobody")],
    ],
  ),
  casesOf(
    "ListCustomers",
    ["GET", "/v1/customers"],
    [
      ["ok", () => get("/v1/customers?page_size=1")],
      ["malformed", () => get("/v1/customers?filter=colour%3Dred")],
    ],
  ),
  casesOf(
    "UpdateCustomer",
    ["PATCH", "/v1/customers/nobody", {}],
    [
      ["ok", () => withCustomer("changed", (path) => patch(path, { login_limit: "off" }))],
      ["ok", () => withCustomer("changed-2", (path) => patch(`${path}?update_mask=display_name,login_limit`, {}))],
      ["malformed", () => patch("/v1/customers/nobody?update_mask=color", {})],
      ["does_not_exist", () => patch("/v1/customers/nobody", { display_name: "x" })],
      ["etag_mismatch", () => withCustomer("changed-3", (path) => patch(path, { display_name: "x", etag: "another" }))],
    ],
  ),
  casesOf(
    "DeleteCustomer",
    ["DELETE", "/v1/customers/nobody"],
    [
      ["ok", () => withCustomer("gone", remove)],
      ["does_not_exist", () => remove("/v1/customers/nobody")],
      ["etag_mismatch", () => withCustomer("gone-2", (path) => remove(`${path}?etag=${ETAG}`))],
      ["failed_precondition", () => withDevice(() => remove(`/v1/customers/${gateway.customerId}`))],
    ],
  ),
  casesOf(
    "IssueCustomerKey",
    ["POST", "/v1/customers/nobody/keys:issue", {}],
    [
      [
        "ok",
        () =>
          withCustomer("keys", (path) =>
            post(`${path}/keys:issue`, { purpose: "KEY_PURPOSE_DERIVATION", imported_key: "short" }),
          ),
      ],
      ["malformed", () => post("/v1/customers/nobody/keys:issue", { imported_key: "x".repeat(1_025) })],
      ["does_not_exist", () => post("/v1/customers/nobody/keys:issue")],
      [
        "already_exists",
        () =>
          withCustomer("keys-2", async (path) => {
            await (await post(`${path}/keys:issue`, { imported_key: "the same key twice" })).text();
            return post(`${path}/keys:issue`, { imported_key: "the same key twice" });
          }),
      ],
      [
        "failed_precondition",
        () =>
          withCustomer("keys-3", async (path) => {
            for (let key = 1; key <= 3; key++) await (await post(`${path}/keys:issue`)).text();
            return post(`${path}/keys:issue`);
          }),
      ],
    ],
  ),
  casesOf(
    "ListCustomerKeys",
    ["GET", "/v1/customers/nobody/keys"],
    [
      ["ok", () => get(`/v1/customers/${gateway.customerId}/keys`)],
      ["malformed", () => get(`/v1/customers/${gateway.customerId}/keys?page_size=-1`)],
      ["does_not_exist", () => get("/v1/customers/nobody/keys")],
    ],
  ),
  casesOf(
    "GetCustomerKeyUsage",
    ["GET", "/v1/customers/nobody/keys:usage"],
    [
      ["ok", () => get(`/v1/customers/${gateway.customerId}/keys:usage`)],
      ["does_not_exist", () => get("/v1/customers/nobody/keys:usage")],
    ],
  ),
  casesOf(
    "RetireCustomerKey",
    ["POST", "/v1/customer-keys/none:retire", {}],
    [
      [
        "ok",
        () =>
          withCustomer("retired", async (path) => {
            const { key_id: keyId }: { key_id?: string } = JSON.parse(await (await post(`${path}/keys:issue`)).text());
            return post(`/v1/customer-keys/${keyId}:retire`);
          }),
      ],
      ["does_not_exist", () => post("/v1/customer-keys/none:retire", { validate_only: true })],
    ],
  ),
  casesOf(
    "ListSigningKeys",
    ["GET", "/v1/signing-keys"],
    [
      ["ok", () => get("/v1/signing-keys")],
      ["malformed", () => get("/v1/signing-keys?page_size=-1")],
    ],
  ),
  casesOf(
    "RevokeCustomerTokens",
    ["POST", "/v1/customers/nobody:revokeTokens", {}],
    [
      ["ok", () => withCustomer("revoked", (path) => post(`${path}:revokeTokens`))],
      ["does_not_exist", () => post("/v1/customers/nobody:revokeTokens")],
    ],
  ),
  casesOf(
    "RevokeToken",
    ["POST", "/v1/tokens/any:revoke", {}],
    [
      ["ok", () => post("/v1/tokens/AZq2K0mQyXx1bB2nT9cZ:revoke")],
      ["malformed", () => post("/v1/tokens/a%20b:revoke")],
    ],
  ),
  casesOf(
    "RotateSigningKey",
    ["POST", "/v1/signing-keys:rotate", {}],
    [
      ["ok", () => post("/v1/signing-keys:rotate")],
      ["ok", () => post("/v1/signing-keys:rotate", { now: true })],
    ],
  ),
  casesOf(
    "RevokeSigningKey",
    ["POST", "/v1/signing-keys/none:revoke", {}],
    [
      [
        "ok",
        async () => {
          const { signing_keys: keys }: { signing_keys: { kid: string }[] } = JSON.parse(
            await (await get("/v1/signing-keys?page_size=1")).text(),
          );
          return post(`/v1/signing-keys/${keys[0]?.kid}:revoke`);
        },
      ],
      ["does_not_exist", () => post("/v1/signing-keys/none:revoke")],
    ],
  ),
  casesOf(
    "ImportSigningKey",
    ["POST", "/v1/signing-keys:import", {}],
    [
      ["ok", () => post("/v1/signing-keys:import", { private_key: newKey(), kid: "old-server" })],
      ["malformed", () => post("/v1/signing-keys:import", { private_key: "none" })],
      ["already_exists", () => post("/v1/signing-keys:import", { private_key: newKey(), kid: "old-server" })],
      [
        "failed_precondition",
        async () => {
          const key = newKey();
          await (await post("/v1/signing-keys:import", { private_key: key, kid: "stolen" })).text();
          await (await post("/v1/signing-keys/stolen:revoke")).text();
          return post("/v1/signing-keys:import", { private_key: key });
        },
      ],
    ],
  ),
  casesOf(
    "ListAuditEvents",
    ["GET", "/v1/audit-events"],
    [
      ["ok", () => get("/v1/audit-events")],
      ["malformed", () => get("/v1/audit-events?filter=colour%3Dred")],
    ],
  ),
  casesOf(
    "ExplainLogin",
    ["POST", "/v1/logins:explain", {}],
    [
      ["ok", () => post("/v1/logins:explain", { device_key: "nobody", body: "e30=" })],
      ["malformed", () => post("/v1/logins:explain", { device_key: "", body: "e30=" })],
    ],
  ),
  casesOf("ResealSecrets", ["POST", "/v1/secrets:reseal", {}], [["ok", () => post("/v1/secrets:reseal")]]),
]);

/** A private key that nobody has yet. */
function newKey(): string {
  return generateKeyPairSync("ec", { namedCurve: "P-256" })
    .privateKey.export({ format: "pem", type: "sec1" })
    .toString();
}

test("the document has every call of the service", async () => {
  const response = await fetch(new URL("/openapi.json", gateway.internalUrl));
  const { paths }: { paths: Record<string, Record<string, { operationId: string }>> } = JSON.parse(
    await response.text(),
  );
  const ids = Object.values(paths).flatMap((item) => Object.values(item).map(({ operationId }) => operationId));
  expect(ids.filter((id) => id.startsWith("AdminService_"))).toHaveLength(AdminService.methods.length);
});
