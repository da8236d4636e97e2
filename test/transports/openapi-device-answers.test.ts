// Answers to operators' calls on devices against the OpenAPI document: every kind that is documented comes, and no other.

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
    "CreateDevice",
    ["POST", "/v1/customers/nobody/devices", {}],
    [
      [
        "ok",
        () =>
          post(`/v1/customers/${gateway.customerId}/devices`, {
            key_mode: "KEY_MODE_DERIVED",
            labels: { site: "north" },
          }),
      ],
      ["malformed", () => post("/v1/customers/nobody/devices", { labels: { "no name": "" } })],
      ["does_not_exist", () => post("/v1/customers/nobody/devices")],
      [
        "already_exists",
        async () =>
          post(`/v1/customers/${gateway.customerId}/devices`, {
            device_key: await gateway.enrol({ deviceKey: "taken" }),
          }),
      ],
    ],
  ),
  casesOf(
    "GetDevice",
    ["GET", "/v1/devices/nobody"],
    [
      ["ok", () => withDevice(get)],
      ["does_not_exist", () => get("/v1/devices/nobody")],
    ],
  ),
  casesOf(
    "ListDevices",
    ["GET", "/v1/devices"],
    [
      ["ok", () => withDevice(() => get("/v1/devices?filter=status%3Denabled"))],
      ["malformed", () => get("/v1/devices?page_token=another")],
    ],
  ),
  casesOf(
    "UpdateDevice",
    ["PATCH", "/v1/devices/nobody", {}],
    [
      ["ok", () => withDevice((path) => patch(path, { display_name: "x" }))],
      // It was enrolled a moment ago.
      ["unavailable", () => withDevice((path) => patch(path, { key_mode: "KEY_MODE_DERIVED" }))],
      ["malformed", () => patch("/v1/devices/nobody?update_mask=device_key", {})],
      ["does_not_exist", () => patch("/v1/devices/nobody", { display_name: "x" })],
      ["etag_mismatch", () => withDevice((path) => patch(path, { display_name: "x", etag: "another" }))],
    ],
  ),
  casesOf(
    "DeleteDevice",
    ["DELETE", "/v1/devices/nobody"],
    [
      ["ok", () => withDevice(remove)],
      ["does_not_exist", () => remove("/v1/devices/nobody")],
      ["etag_mismatch", () => withDevice((path) => remove(`${path}?etag=${ETAG}`))],
    ],
  ),
  casesOf(
    "ImportDevices",
    ["POST", "/v1/devices:import", {}],
    [
      [
        "ok",
        () =>
          post("/v1/devices:import", {
            rows: [{ device_key: "imported", customer_id: gateway.customerId }, { device_key: "no owner" }],
          }),
      ],
      ["malformed", () => post("/v1/devices:import", { rows: Array.from({ length: 1_001 }, () => ({})) })],
    ],
  ),
  casesOf(
    "RevokeDeviceTokens",
    ["POST", "/v1/devices/nobody:revokeTokens", {}],
    [
      ["ok", () => withDevice((path) => post(`${path}:revokeTokens`))],
      ["does_not_exist", () => post("/v1/devices/nobody:revokeTokens")],
    ],
  ),
  casesOf(
    "DeriveDeviceKey",
    ["POST", "/v1/devices/nobody:deriveKey", {}],
    [
      [
        "ok",
        () =>
          withCustomer("derives", async (path) => {
            await (await post(`${path}/keys:issue`, { purpose: "KEY_PURPOSE_DERIVATION" })).text();
            return post(`/v1/devices/${await gateway.enrol({ customerId: "derives" })}:deriveKey`);
          }),
      ],
      ["does_not_exist", () => post("/v1/devices/nobody:deriveKey")],
      ["failed_precondition", () => withDevice((path) => post(`${path}:deriveKey`))],
    ],
  ),
]);
