// A login's body as the REST transport reads it, for whoever explains one. Knows the message, and nothing of logins.

import { LoginRequestSchema } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import type { LoginRequest } from "../core/login.ts";
import { readJson } from "./json.ts";
import { readMessage } from "./message.ts";

/** Reads it. @throws AuthError `malformed`, as the gateway would answer it */
export function readLoginBody(body: Uint8Array): LoginRequest {
  const { deviceKey, timestamp, deviceSignature } = readMessage(LoginRequestSchema, readJson(body));
  return { deviceKey, timestamp, deviceSignature };
}
