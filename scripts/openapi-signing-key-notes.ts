// Examples and errors of AdminService's calls on signing keys, for the OpenAPI documents.

import { malformed } from "../src/core/errors.ts";
import { noSigningKey, revokedKey, takenKid, tooNew } from "../src/core/tokens/rotation.ts";
import type { ServiceNotes } from "./openapi/document.ts";
import { TIME } from "./openapi-device-notes.ts";
import { AWAY } from "./openapi-refusals.ts";

const KID = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
const ACTIVE = {
  kid: KID,
  alg: "RS256",
  state: "SIGNING_KEY_STATE_ACTIVE",
  create_time: TIME,
  activate_time: TIME,
  rotate_time: TIME,
};
const NEXT = {
  kid: "5FdQh0ZJ2pXkTn3uV9yWq1sLrB7cM8aEgYoI6xKtDzU",
  alg: "RS256",
  state: "SIGNING_KEY_STATE_NEXT",
  create_time: TIME,
};

/** Notes on each method. */
export const SIGNING_KEY_NOTES: ServiceNotes["methods"] = {
  ListSigningKeys: {
    answer: { signing_keys: [NEXT, ACTIVE], next_page_token: "" },
    refusals: [malformed("page_size is negative", "page_size"), AWAY],
  },
  RotateSigningKey: {
    request: {},
    answer: { active: ACTIVE, next: NEXT },
    refusals: [tooNew(900_000, 1_200_000), AWAY],
  },
  RevokeSigningKey: {
    request: {},
    answer: {
      signing_key: { ...NEXT, kid: KID, state: "SIGNING_KEY_STATE_REVOKED", retire_time: TIME },
      active: { ...ACTIVE, kid: NEXT.kid },
    },
    refusals: [noSigningKey(), AWAY],
  },
  ImportSigningKey: {
    request: { private_key: "-----BEGIN PRIVATE KEY-----\nMIIEvQ…\n-----END PRIVATE KEY-----\n" },
    answer: ACTIVE,
    refusals: [
      malformed(
        "private_key is encrypted with a passphrase. Take that off with openssl pkey -in FILE and send what it prints",
        "private_key",
      ),
      takenKid(),
      revokedKey(),
      AWAY,
    ],
  },
};
