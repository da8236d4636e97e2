// Callers, examples and errors of AdminService, for the OpenAPI documents.

import { AuthError, malformed } from "../src/core/errors.ts";
import { hasDevices, taken, tooManyKeys } from "../src/core/registry/refusals.ts";
import { readJti } from "../src/core/registry/tokens.ts";
import { ADMIN_MESSAGE_BYTES } from "../src/services/admin.ts";
import { isRead, noAdminToken, requireRole } from "../src/services/admin-guard.ts";
import type { ServiceNotes } from "./openapi/document.ts";
import { CUSTOMER_ID, DEVICE_NOTES, ETAG, IF_MATCH, KEY_ID, TIME, VERSIONED } from "./openapi-device-notes.ts";
import { FLEET_NOTES } from "./openapi-fleet-notes.ts";
import { OPERATOR_NOTES } from "./openapi-operator-notes.ts";
import {
  AWAY,
  changedSince,
  LONG_NAME,
  NO_CUSTOMER,
  NO_KEY,
  refusalOf,
  WRONG_FILTER,
  WRONG_MASK,
} from "./openapi-refusals.ts";
import { SIGNING_KEY_NOTES } from "./openapi-signing-key-notes.ts";

const CUSTOMER = {
  customer_id: CUSTOMER_ID,
  display_name: "Acme",
  status: "STATUS_ENABLED",
  login_limit: "",
  create_time: TIME,
  update_time: TIME,
  etag: ETAG,
};

const CUSTOMER_KEY = {
  key_id: KEY_ID,
  customer_id: CUSTOMER_ID,
  purpose: "KEY_PURPOSE_LOGIN",
  state: "KEY_STATE_LIVE",
  not_before: TIME,
  create_time: TIME,
};

const CUSTOMER_NOTES: ServiceNotes["methods"] = {
  CreateCustomer: {
    ...VERSIONED,
    request: { display_name: CUSTOMER.display_name },
    answer: CUSTOMER,
    refusals: [LONG_NAME, taken("customer_id"), AWAY],
  },
  GetCustomer: { ...VERSIONED, answer: CUSTOMER, refusals: [NO_CUSTOMER, AWAY] },
  ListCustomers: { answer: { customers: [CUSTOMER], next_page_token: "" }, refusals: [WRONG_FILTER, AWAY] },
  UpdateCustomer: {
    ...VERSIONED,
    ...IF_MATCH,
    request: { login_limit: "20/60s", etag: ETAG },
    answer: { ...CUSTOMER, login_limit: "20/60s" },
    refusals: [WRONG_MASK, NO_CUSTOMER, changedSince("customer"), AWAY],
  },
  DeleteCustomer: {
    ...IF_MATCH,
    answer: {},
    refusals: [NO_CUSTOMER, changedSince("customer"), hasDevices(), AWAY],
  },
  RevokeCustomerTokens: {
    ...VERSIONED,
    request: {},
    answer: { ...CUSTOMER, tokens_not_before: TIME },
    refusals: [NO_CUSTOMER, AWAY],
  },
};

const CUSTOMER_KEY_NOTES: ServiceNotes["methods"] = {
  IssueCustomerKey: {
    request: { purpose: "KEY_PURPOSE_LOGIN" },
    answer: { key_id: KEY_ID, customer_key: "5b8e…", warning: "" },
    refusals: [
      malformed("imported_key has 1025 bytes. It has at most 1024", "imported_key"),
      NO_CUSTOMER,
      new AuthError(
        "already_exists",
        `this key is the key ${KEY_ID} of this customer. Use that one or retire it first`,
        { field: "imported_key" },
      ),
      tooManyKeys("login"),
      AWAY,
    ],
  },
  ListCustomerKeys: {
    answer: { customer_keys: [CUSTOMER_KEY], next_page_token: "" },
    refusals: [malformed("page_size is negative", "page_size"), NO_CUSTOMER, AWAY],
  },
  GetCustomerKeyUsage: {
    answer: {
      keys: [
        {
          key_id: KEY_ID,
          purpose: "KEY_PURPOSE_LOGIN",
          state: "KEY_STATE_LIVE",
          devices: 41_877,
          last_use_time: TIME,
        },
      ],
      silent_devices: 12,
    },
    refusals: [NO_CUSTOMER, AWAY],
  },
  RetireCustomerKey: {
    request: { validate_only: true },
    answer: { customer_key: CUSTOMER_KEY, stopped_devices: 17, silent_devices: 12, other_live_keys: 1 },
    refusals: [NO_KEY, AWAY],
  },
};

/** Notes on calls without a customer. */
const OVERSEER_NOTES: ServiceNotes["methods"] = {
  RevokeToken: {
    request: {},
    answer: { jti: "AZq2K0mQyXx1bB2nT9cZ", expire_time: TIME },
    refusals: [refusalOf(() => readJti("no jti")), AWAY],
  },
  ListAuditEvents: {
    answer: {
      audit_events: [
        {
          event_id: "1742",
          time: TIME,
          token_id: "9b1f04c2",
          operator: "ada@ops-1",
          address: "192.0.2.7",
          action: "UpdateCustomer",
          resource: `customers/${CUSTOMER_ID}`,
          customer_id: CUSTOMER_ID,
          details: { login_limit: "20/60s" },
          request_id: "Vx2gDKhYkJq3",
        },
      ],
      next_page_token: "",
    },
    refusals: [WRONG_FILTER, AWAY],
  },
  ExplainLogin: {
    request: { device_key: "pump-7", body: "eyJkZXZpY2Vfa2V5IjoicHVtcC03In0=" },
    answer: {
      would_succeed: false,
      findings: [
        { code: "missing_field", message: "timestamp is missing or empty" },
        { code: "missing_field", message: "device_signature is missing or empty" },
      ],
    },
    refusals: [malformed("device_key is missing", "device_key"), AWAY],
  },
  ResealSecrets: {
    request: {},
    answer: { resealed: 200, unopened: 0, done: false },
    refusals: [AWAY],
  },
};

export const ADMIN_NOTES: ServiceNotes = {
  guard: {
    name: "admin_token",
    scheme: {
      type: "http",
      scheme: "bearer",
      description:
        "An admin token: COUNTERSIGN_ADMIN_TOKEN or COUNTERSIGN_OTHER_ADMIN_TOKEN, or one that was issued to an operator.",
    },
    refusalsOf: (method) => [
      noAdminToken(),
      ...(isRead(method) ? [] : [refusalOf(() => requireRole({ role: "read" }, method))]),
    ],
  },
  maxMessageBytes: ADMIN_MESSAGE_BYTES,
  methods: {
    ...CUSTOMER_NOTES,
    ...CUSTOMER_KEY_NOTES,
    ...DEVICE_NOTES,
    ...SIGNING_KEY_NOTES,
    ...OPERATOR_NOTES,
    ...FLEET_NOTES,
    ...OVERSEER_NOTES,
  },
};
