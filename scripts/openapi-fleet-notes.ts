// Examples and errors of AdminService's calls on the whole fleet, for the OpenAPI documents.

import { malformed } from "../src/core/errors.ts";
import type { ServiceNotes } from "./openapi/document.ts";
import { TIME } from "./openapi-device-notes.ts";
import { AWAY, NO_DEVICE, WRONG_FILTER } from "./openapi-refusals.ts";

/** Notes on each method. */
export const FLEET_NOTES: ServiceNotes["methods"] = {
  CountDevices: {
    answer: { count: 214, next_page_token: "" },
    refusals: [WRONG_FILTER, AWAY],
  },
  ChangeDevices: {
    request: { filter: "last_seen_time < -30d", action: "DEVICE_ACTION_DISABLE" },
    answer: { matched: 214, changed: 209, next_page_token: "" },
    refusals: [
      malformed("action is missing or not in the contract. Name what is done with each device", "action"),
      AWAY,
    ],
  },
  GetDeviceLimit: {
    answer: { limit: "10/60s", remaining: 7, reset_time: TIME, per_address: false },
    refusals: [malformed("device_key is missing", "device_key"), NO_DEVICE, AWAY],
  },
  GetOverview: {
    answer: {
      fleet: {
        devices: 12_000,
        disabled: 3,
        seen_last_hour: 11_800,
        seen_last_day: 11_950,
        failing: 12,
        count_time: TIME,
      },
      logins: [{ outcome: "ok", counts: [98, 102] }],
      logins_start_time: TIME,
      interval_seconds: 5,
      limits: "PART_STATE_OK",
      store: "PART_STATE_OK",
      signer: "PART_STATE_OK",
      version: "0.1.0",
    },
    refusals: [AWAY],
  },
};
