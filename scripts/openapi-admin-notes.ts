// Callers, headers and errors of AdminService, for the OpenAPI documents. Every call has the same errors.

import type { DescMethodUnary } from "@bufbuild/protobuf";
import { AuthError, malformed } from "../src/core/errors.ts";
import { hasDevices } from "../src/core/registry/customers.ts";
import { alreadyExists, doesNotExist } from "../src/core/registry/names.ts";
import { requireVersion } from "../src/core/registry/resources.ts";
import { ADMIN_MESSAGE_BYTES } from "../src/services/admin.ts";
import { isRead, noAdminToken, readOnly } from "../src/services/admin-guard.ts";
import type { MethodNotes, ServiceNotes } from "./openapi/document.ts";

/** The error that a function throws. */
export function errorOf(act: () => void): AuthError {
  try {
    act();
  } catch (error) {
    if (error instanceof AuthError) return error;
  }
  throw new TypeError("it throws no AuthError");
}

/** The error of any call while the database is away. */
export const AWAY = new AuthError("unavailable", "the registry cannot be reached now. Try again later", {
  retryAfterMs: 5_000,
});

const READ_ERRORS = [malformed("page_size is negative", "page_size"), doesNotExist("device"), AWAY];

const CHANGE_ERRORS = [
  ...READ_ERRORS,
  alreadyExists("customer"),
  errorOf(() => requireVersion({ revision: 2, createdAt: 0 }, '"another"', "device")),
  hasDevices(),
];

const IF_MATCH = {
  name: "If-Match",
  in: "header",
  description:
    "RFC 9110, 13.1.1: the etag that was read, equivalent to the field `etag`. Another version stays as it is.",
  schema: { type: "string" },
};

function notesOf({ name, output }: DescMethodUnary): MethodNotes {
  return {
    ...(output.fields.some((field) => field.name === "etag") && { headers: ["ETag"] }),
    ...(/^(Update|Delete)/.test(name) && { parameters: [IF_MATCH] }),
    errors: isRead(name) ? READ_ERRORS : CHANGE_ERRORS,
  };
}

export const ADMIN_NOTES: ServiceNotes = {
  guard: {
    name: "admin_token",
    scheme: {
      type: "http",
      scheme: "bearer",
      description:
        "An admin token: COUNTERSIGN_ADMIN_TOKEN or COUNTERSIGN_OTHER_ADMIN_TOKEN, or one that was issued to an operator.",
    },
    errorsOf: (method) => [noAdminToken(), ...(isRead(method) ? [] : [readOnly()])],
  },
  maxMessageBytes: ADMIN_MESSAGE_BYTES,
  notesOf,
};
