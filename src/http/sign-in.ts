// Sign-in to the dashboard and sign-out: exchanges an admin token or a code for a session cookie.

import { AuthError, malformed } from "../core/errors.ts";
import { SESSION_HEADER, type Sessions, writeSessionCookie } from "../core/registry/sessions.ts";
import { parseJson } from "../protocols/json.ts";
import { isObject } from "../protocols/mistakes.ts";
import type { EndpointAnswer, EndpointRequest, Endpoints } from "./endpoints.ts";

export interface SignInOptions {
  readonly sessions: Pick<Sessions, "openByToken" | "openByCode">;
  /** The listener speaks TLS. */
  readonly secure: boolean;
  /** Unix milliseconds. */
  readonly now: () => number;
}

const MOST_BYTES = 1_024;
const NO_CONTENT = { status: 200, contentType: "application/json", body: "{}" };

/** The endpoints. They throw AuthError `malformed`, `invalid_admin_token`, `unavailable`. */
export function signInEndpoints({ sessions, secure, now }: SignInOptions): Endpoints {
  const signIn = async ({ header, body }: EndpointRequest): Promise<EndpointAnswer> => {
    requireOwnPage(header(SESSION_HEADER));
    const { token, code } = readBody(body);
    const session = code === undefined ? sessions.openByToken(token ?? "") : sessions.openByCode(code);
    const { text, expiresAt } = await session;
    const maxAge = Math.floor((expiresAt - now()) / 1_000);
    return { ...NO_CONTENT, headers: [["Set-Cookie", writeSessionCookie(text, maxAge, secure)]] };
  };
  const signOut = ({ header }: EndpointRequest): EndpointAnswer => {
    requireOwnPage(header(SESSION_HEADER));
    return { ...NO_CONTENT, headers: [["Set-Cookie", writeSessionCookie("", 0, secure)]] };
  };
  return {
    "/dashboard/sign-in": { method: "POST", maxBytes: MOST_BYTES, answer: signIn },
    "/dashboard/sign-out": { method: "POST", maxBytes: MOST_BYTES, answer: signOut },
  };
}

/** @throws AuthError for a request that a page of another origin may have sent */
function requireOwnPage(header: string | undefined): void {
  if (header === undefined) {
    throw new AuthError(
      "invalid_admin_token",
      "the header x-countersign-dashboard is missing. Sign in from the dashboard",
    );
  }
}

function readBody(body: Uint8Array): { readonly token?: string; readonly code?: string } {
  const parsed = parseJson(body);
  if (isObject(parsed) && typeof parsed["code"] === "string") return { code: parsed["code"] };
  if (isObject(parsed) && typeof parsed["token"] === "string") return { token: parsed["token"] };
  throw malformed("token is missing. Send the admin token as token in JSON", "token");
}
