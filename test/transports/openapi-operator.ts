// Operators' calls for cases of OpenAPI: a gateway that answers, one whose registry is away, and one that has a bug.

import { createServiceImplSpec } from "@connectrpc/connect";
import { afterAll, beforeAll } from "vitest";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuthError } from "../../src/core/errors.ts";
import { ADMIN_MESSAGE_BYTES } from "../../src/services/admin.ts";
import { createAdminGuard } from "../../src/services/admin-guard.ts";
import { ADMIN_TOKEN, openGateway, type TestGateway } from "../gateway.ts";
import { type Mounted, mountThrowing } from "./mount.ts";
import type { Case, OperationCases } from "./openapi-cases.ts";

export let gateway: TestGateway;
let away: Mounted;
let broken: Mounted;

/** Opens them for the tests of the file that calls, and closes them after. */
export function openForOperators(): void {
  beforeAll(async () => {
    gateway = await openGateway();
    const admin = {
      spec: createServiceImplSpec<typeof AdminService>(AdminService, {}),
      guard: createAdminGuard([ADMIN_TOKEN]),
      maxMessageBytes: ADMIN_MESSAGE_BYTES,
    };
    away = await mountThrowing(new AuthError("unavailable", "the registry is away", { retryAfterMs: 1_000 }), admin);
    broken = await mountThrowing(new TypeError("a bug"), admin);
  });
  afterAll(async () => {
    for (const one of [gateway, away, broken]) await one.close();
  });
}

interface Asking {
  readonly body?: unknown;
  readonly token?: string;
  readonly type?: string;
  readonly url?: string;
}

/** Asks as an operator. */
function operate(
  verb: string,
  path: string,
  { body, token = ADMIN_TOKEN, type = "application/json", url = gateway.internalUrl }: Asking = {},
): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return fetch(new URL(path, url), {
    method: verb,
    headers: { Authorization: `Bearer ${token}`, ...(text !== undefined && { "Content-Type": type }) },
    ...(text !== undefined && { body: text }),
  });
}

/** What is refused of every operator's call. */
function refusedOfAll(verb: string, path: string, body?: unknown): readonly Case[] {
  const ask = (asking: Asking): Promise<Response> => operate(verb, path, { body, ...asking });
  return [
    ["invalid_admin_token", () => ask({ token: "another" })],
    ["internal", () => ask({ url: broken.shared.url })],
    ["unavailable", () => ask({ url: away.shared.url })],
    ...(body === undefined
      ? ([["malformed", () => operate(verb, `${path}?%zz=1`)]] as const)
      : ([
          ["malformed", () => ask({ body: "{" })],
          ["too_large", () => ask({ body: "x".repeat(ADMIN_MESSAGE_BYTES + 1) })],
          ["unsupported_media_type", () => ask({ type: "text/plain" })],
        ] as const)),
  ];
}

/** The cases of a call: what is refused of all, by an example of it, and its own. */
export function casesOf(
  operation: string,
  [verb, path, body]: readonly [verb: string, path: string, body?: unknown],
  own: readonly Case[],
): OperationCases {
  return { operation: `AdminService_${operation}`, name: "internal", own: [...refusedOfAll(verb, path, body), ...own] };
}

export const post = (path: string, body: unknown = {}): Promise<Response> => operate("POST", path, { body });
export const get = (path: string): Promise<Response> => operate("GET", path);
export const patch = (path: string, body: unknown): Promise<Response> => operate("PATCH", path, { body });
export const remove = (path: string): Promise<Response> => operate("DELETE", path);
/** Of no version. */
export const ETAG = encodeURIComponent('"another"');

/** Makes a customer of its own for a case, and goes on. */
export async function withCustomer(id: string, ask: (path: string) => Promise<Response>): Promise<Response> {
  await (await post("/v1/customers?customer_id=".concat(id), { display_name: id })).text();
  return ask(`/v1/customers/${id}`);
}

/** Makes a device of its own for a case, and goes on. */
export async function withDevice(ask: (path: string) => Promise<Response>): Promise<Response> {
  return ask(`/v1/devices/${await gateway.enrol()}`);
}
