// Examples and errors of TokenService, for the OpenAPI documents.

import { malformed } from "../src/core/errors.ts";
import { tokenExpired, tokenInvalid, tokenRevoked } from "../src/core/refusals.ts";
import { TOKEN_MESSAGE_BYTES } from "../src/services/token.ts";
import type { ServiceNotes } from "./openapi/document.ts";
import { TIME } from "./openapi-device-notes.ts";
import { AWAY } from "./openapi-refusals.ts";

export const TOKEN_NOTES: ServiceNotes = {
  maxMessageBytes: TOKEN_MESSAGE_BYTES,
  methods: {
    Verify: {
      request: { token: "eyJhbGciOiJSUzI1NiIs…" },
      answer: {
        device_key: "pump-7",
        customer_id: "acme",
        jti: "AZq2K0mQyXx1bB2nT9cZ",
        issue_time: TIME,
        expire_time: TIME,
      },
      refusals: [
        malformed("token is missing", "token"),
        tokenInvalid("its signature is wrong"),
        tokenExpired(),
        tokenRevoked("its operator took it back"),
        AWAY,
      ],
    },
  },
};
