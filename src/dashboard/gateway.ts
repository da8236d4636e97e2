// Calls of the dashboard to the gateway: AdminService over Connect, and sessions.

import { type Client, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { ErrorInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import { sentence } from "./words.ts";

/** The header of each request. Pages of other origins cannot send it. */
const OWN_PAGE = ["x-countersign-dashboard", "1"] as const;

const authenticate: Interceptor = (next) => (request) => {
  request.header.set(...OWN_PAGE);
  // Names the actor in the audit log for a token of the settings, which people may share.
  request.header.set("x-operator", "dashboard");
  return next(request);
};

export const admin: Client<typeof AdminService> = createClient(
  AdminService,
  createConnectTransport({ baseUrl: location.origin, useBinaryFormat: true, interceptors: [authenticate] }),
);

const SIGNED_IN = "countersign-signed-in";
const UNREACHABLE = "The gateway does not answer. It may be restarting.";

/** An error as a sentence, with its reason. */
export interface Failure {
  readonly reason: string;
  readonly message: string;
}

export function failureOf(error: unknown): Failure {
  if (!(error instanceof ConnectError)) {
    return { reason: "page", message: error instanceof Error ? sentence(error.message) : "This did not work." };
  }
  const [info] = error.findDetails(ErrorInfoSchema);
  if (info === undefined) return { reason: "unreachable", message: UNREACHABLE };
  return { reason: info.reason, message: sentence(error.rawMessage) };
}

/** Calls an endpoint outside of AdminService. @returns the members of its answer; @throws Error with a sentence */
async function call(path: string, body?: object): Promise<ReadonlyMap<string, unknown>> {
  const response = await fetch(path, {
    method: body === undefined ? "GET" : "POST",
    headers: { "Content-Type": "application/json", [OWN_PAGE[0]]: OWN_PAGE[1] },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }).catch(() => {
    throw new Error(UNREACHABLE);
  });
  const answer = new Map<string, unknown>(Object.entries(Object(await response.json())));
  if (response.ok) return answer;
  throw new Error(String(answer.get("message") ?? UNREACHABLE));
}

/** Exchanges an admin token, or the code of a link, for a session. @throws Error with a sentence */
export async function signIn(credentials: { readonly token: string } | { readonly code: string }): Promise<void> {
  await call("/dashboard/sign-in", credentials);
  localStorage.setItem(SIGNED_IN, "yes");
}

/** Whether this browser has signed in: scripts do not see the cookie. */
export function hasSignedIn(): boolean {
  return localStorage.getItem(SIGNED_IN) !== null;
}

/** @throws Error with a sentence */
export async function signOut(): Promise<void> {
  await call("/dashboard/sign-out", {});
  localStorage.removeItem(SIGNED_IN);
}

/** The gateway's URL for devices: the issuer of its tokens. */
export async function publicUrl(): Promise<string> {
  const metadata = await call("/.well-known/oauth-authorization-server");
  return String(metadata.get("issuer") ?? location.origin).replace(/\/$/, "");
}
