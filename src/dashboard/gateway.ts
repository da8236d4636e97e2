// The gateway as the dashboard calls it: AdminService by Connect, and sessions.

import { type Client, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { ErrorInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";

/** Each request carries it: pages of other origins cannot send it. */
const OWN_PAGE = ["x-countersign-dashboard", "1"] as const;

const authenticate: Interceptor = (next) => (request) => {
  request.header.set(...OWN_PAGE);
  // Names the actor in the audit log where a token of the settings is shared.
  request.header.set("x-operator", "dashboard");
  return next(request);
};

export const admin: Client<typeof AdminService> = createClient(
  AdminService,
  createConnectTransport({ baseUrl: location.origin, useBinaryFormat: true, interceptors: [authenticate] }),
);

/** An error in words, with its reason. */
export interface Failure {
  readonly reason: string;
  readonly message: string;
}

/** Describes anything that was thrown. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof ConnectError)) {
    return { reason: "page", message: error instanceof Error ? error.message : "This did not work." };
  }
  const [info] = error.findDetails(ErrorInfoSchema);
  if (info === undefined) {
    return { reason: "unreachable", message: "The gateway does not answer. It may be restarting." };
  }
  return { reason: info.reason, message: sentence(error.rawMessage) };
}

/** A message as a sentence of its own. */
export function sentence(text: string): string {
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(start) ? start : `${start}.`;
}

async function post(path: string, body: object): Promise<void> {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", [OWN_PAGE[0]]: OWN_PAGE[1] },
    body: JSON.stringify(body),
  });
  const answer: unknown = await response.json();
  if (response.ok) return;
  const isError = typeof answer === "object" && answer !== null && "message" in answer;
  throw new Error(isError ? sentence(String(answer.message)) : "The gateway does not answer as expected.");
}

/** Exchanges an admin token, or the code of a link, for a session. @throws Error in words */
export function signIn(credentials: { readonly token: string } | { readonly code: string }): Promise<void> {
  return post("/dashboard/sign-in", credentials);
}

/** Whether a session is open. */
export async function isSignedIn(): Promise<boolean> {
  const response = await fetch("/dashboard/session", { headers: { [OWN_PAGE[0]]: OWN_PAGE[1] } });
  const answer: unknown = await response.json();
  return typeof answer === "object" && answer !== null && "signed_in" in answer && answer.signed_in === true;
}

export function signOut(): Promise<void> {
  return post("/dashboard/sign-out", {});
}

/** The URL that devices reach the gateway by: the issuer of its tokens. */
export async function publicUrl(): Promise<string> {
  const response = await fetch("/.well-known/oauth-authorization-server");
  const metadata: unknown = await response.json();
  const isMetadata = typeof metadata === "object" && metadata !== null && "issuer" in metadata;
  return isMetadata ? String(metadata.issuer).replace(/\/$/, "") : location.origin;
}

/** Reads every page of a list. */
export async function readAll<Item>(
  read: (pageToken: string) => Promise<{ readonly items: readonly Item[]; readonly nextPageToken: string }>,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  let pageToken = "";
  do {
    const page = await read(pageToken);
    items.push(...page.items);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return items;
}
