// Examples and errors of AdminService's calls on devices, for the OpenAPI documents.

import { malformed } from "../src/core/errors.ts";
import { etagOf } from "../src/core/registry/pages.ts";
import { noDerivationKey, taken } from "../src/core/registry/refusals.ts";
import type { ServiceNotes } from "./openapi/document.ts";
import { AWAY, changedSince, LONG_NAME, NO_CUSTOMER, NO_DEVICE, WRONG_FILTER, WRONG_MASK } from "./openapi-refusals.ts";

export const CUSTOMER_ID = "6f1d0c9a52b7e384";
export const KEY_ID = "0a4be85d13c79f26";
export const TIME = "2025-11-24T16:00:00Z";
export const ETAG = etagOf({ revision: 1, createdAt: Date.parse(TIME) });

/** Notes that calls on one customer or device share. */
export const VERSIONED = { headers: ["ETag"] };
/** And those that change it. */
export const IF_MATCH = {
  parameters: [
    {
      name: "If-Match",
      in: "header",
      description:
        "RFC 9110, 13.1.1: the etag that was read, as good as the field `etag`. Another version stays as it is.",
      schema: { type: "string" },
    },
  ],
};

const ENROLLED = {
  device_key: "pump-7",
  customer_id: CUSTOMER_ID,
  display_name: "Pump 7, north hall",
  status: "STATUS_ENABLED",
  key_mode: "KEY_MODE_SHARED",
  shared_identity: false,
  replay_guard: false,
  labels: { site: "north" },
  public_key: "",
  accepts_shared_key: false,
  create_time: TIME,
  update_time: TIME,
  etag: ETAG,
  last_key_id: "",
  last_failure_reason: "",
};

const DEVICE = { ...ENROLLED, last_login_time: TIME, last_key_id: KEY_ID };

export const DEVICE_NOTES: ServiceNotes["methods"] = {
  CreateDevice: {
    ...VERSIONED,
    request: { device_key: DEVICE.device_key, display_name: DEVICE.display_name, labels: DEVICE.labels },
    answer: ENROLLED,
    refusals: [LONG_NAME, NO_CUSTOMER, taken("device_key"), AWAY],
  },
  GetDevice: { ...VERSIONED, answer: DEVICE, refusals: [NO_DEVICE, AWAY] },
  ListDevices: { answer: { devices: [DEVICE], next_page_token: "" }, refusals: [WRONG_FILTER, AWAY] },
  UpdateDevice: {
    ...VERSIONED,
    ...IF_MATCH,
    request: { key_mode: "KEY_MODE_DERIVED" },
    answer: { ...DEVICE, key_mode: "KEY_MODE_DERIVED", replay_guard: true, accepts_shared_key: true },
    refusals: [WRONG_MASK, NO_DEVICE, changedSince("device"), AWAY],
  },
  DeleteDevice: { ...IF_MATCH, answer: {}, refusals: [NO_DEVICE, changedSince("device"), AWAY] },
  ImportDevices: {
    request: { rows: [{ device_key: "pump-8", customer_id: CUSTOMER_ID }] },
    answer: { created: 1, updated: 0, unchanged: 0, failures: [] },
    refusals: [malformed("rows has 1001 entries. It has at most 1000", "rows"), AWAY],
  },
  RevokeDeviceTokens: {
    ...VERSIONED,
    request: {},
    answer: { ...DEVICE, tokens_not_before: TIME },
    refusals: [NO_DEVICE, AWAY],
  },
  DeriveDeviceKey: {
    request: {},
    answer: { device_key: DEVICE.device_key, customer_key: "c41f…", key_id: KEY_ID },
    refusals: [NO_DEVICE, noDerivationKey(), AWAY],
  },
};
