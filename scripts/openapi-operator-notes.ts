// Examples and errors of AdminService's calls on operators, for the OpenAPI documents.

import { malformed } from "../src/core/errors.ts";
import { noOperatorToken, settingToken } from "../src/core/registry/refusals.ts";
import type { ServiceNotes } from "./openapi/document.ts";
import { TIME } from "./openapi-device-notes.ts";
import { AWAY } from "./openapi-refusals.ts";

const TOKEN = {
  token_id: "9b1f04c2",
  name: "ada",
  role: "OPERATOR_ROLE_READ",
  create_time: TIME,
  expire_time: "2026-02-22T16:00:00Z",
};

/** Notes on each method. */
export const OPERATOR_NOTES: ServiceNotes["methods"] = {
  IssueOperatorToken: {
    request: { name: "ada", role: "OPERATOR_ROLE_READ" },
    answer: { operator_token: TOKEN, admin_token: "cst_7Qx…" },
    refusals: [malformed("name is not of 1 to 100 visible ASCII characters and single spaces", "name"), AWAY],
  },
  ListOperatorTokens: {
    answer: { operator_tokens: [TOKEN], next_page_token: "" },
    refusals: [malformed("page_size is negative", "page_size"), AWAY],
  },
  RevokeOperatorToken: {
    request: {},
    answer: { ...TOKEN, revoke_time: TIME },
    refusals: [noOperatorToken(), settingToken("COUNTERSIGN_ADMIN_TOKEN"), AWAY],
  },
  GetCallingOperator: { answer: TOKEN, refusals: [AWAY] },
};
