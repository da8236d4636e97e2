// Operators' requests for OpenAPI cases, to a gateway and to AdminServices that fail.

import { createServiceImplSpec } from "@connectrpc/connect";
import { afterAll, beforeAll } from "vitest";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuthError } from "../../src/core/errors.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import type { Listener } from "../../src/http/listener.ts";
import { ADMIN_MESSAGE_BYTES } from "../../src/services/admin.ts";
import { isRead } from "../../src/services/admin-guard.ts";
import { ADMIN_TOKEN, openGateway, type TestGateway } from "../gateway.ts";
import { guardOf } from "../operator-guard.ts";
import { mountThrowing } from "../protocols/mount.ts";
import type { Cases, OperationCases } from "./cases.ts";

export let gateway: TestGateway;
let away: Listener;
let broken: Listener;
let readToken: string;

/** Opens them for the tests of the calling file. */
export function openForOperators(): void {
  beforeAll(async () => {
    let aheadMs = 0;
    gateway = await openGateway({}, { now: () => Date.now() + aheadMs });
    // The next signing key is old enough to sign.
    aheadMs = 2_000;
    const draft = { name: "reader", role: "read", expiresAt: undefined } as const;
    readToken = (await gateway.registry.operators.issue(draft, GATEWAY)).adminToken;
    const admin = {
      spec: createServiceImplSpec<typeof AdminService>(AdminService, {}),
      guard: guardOf(ADMIN_TOKEN),
      maxMessageBytes: ADMIN_MESSAGE_BYTES,
    };
    away = await mountThrowing(new AuthError("unavailable", "the registry is away", { retryAfterMs: 1_000 }), admin);
    broken = await mountThrowing(new TypeError("a bug"), admin);
  });
  afterAll(() => Promise.all([gateway.close(), away.close(0), broken.close(0)]));
}

interface OperatorRequest {
  readonly body?: unknown;
  readonly token?: string;
  readonly type?: string;
  readonly url?: string;
}

function operate(verb: string, path: string, request: OperatorRequest = {}): Promise<Response> {
  const { body, token = ADMIN_TOKEN, type = "application/json", url = gateway.internalUrl } = request;
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return fetch(new URL(path, url), {
    method: verb,
    headers: { Authorization: `Bearer ${token}`, ...(text !== undefined && { "Content-Type": type }) },
    ...(text !== undefined && { body: text }),
  });
}

/** Errors of every operator's call. */
function commonCases(operation: string, verb: string, path: string, body?: unknown): Cases {
  const ask = (request: OperatorRequest): Promise<Response> => operate(verb, path, { body, ...request });
  return {
    invalid_admin_token: () => ask({ token: "another" }),
    ...(!isRead(operation) && { read_only: () => ask({ token: readToken }) }),
    internal: () => ask({ url: broken.url }),
    unavailable: () => ask({ url: away.url }),
    ...(body === undefined
      ? { malformed: () => operate(verb, `${path}?%zz=1`) }
      : {
          malformed: () => ask({ body: "{" }),
          too_large: () => ask({ body: "x".repeat(ADMIN_MESSAGE_BYTES + 1) }),
          unsupported_media_type: () => ask({ type: "text/plain" }),
        }),
  };
}

/** The cases of a call: the common ones, with an example request as `GET /path`, and its own. Other verbs than GET and DELETE have a body. */
export function operatorCases(operation: string, example: string, own: Cases): OperationCases {
  const [verb = "", path = ""] = example.split(" ");
  const body = verb === "GET" || verb === "DELETE" ? undefined : {};
  return {
    operation: `AdminService_${operation}`,
    name: "internal",
    cases: [commonCases(operation, verb, path, body), own],
  };
}

export const post = (path: string, body: unknown = {}): Promise<Response> => operate("POST", path, { body });
export const get = (path: string): Promise<Response> => operate("GET", path);
export const patch = (path: string, body: unknown): Promise<Response> => operate("PATCH", path, { body });
export const remove = (path: string): Promise<Response> => operate("DELETE", path);
/** An entity tag of no version. */
export const ETAG = encodeURIComponent('"another"');

/** Creates a customer, and uses its path. */
export async function withCustomer(id: string, ask: (path: string) => Promise<Response>): Promise<Response> {
  await (await post(`/v1/customers?customer_id=${id}`, { display_name: id })).text();
  return ask(`/v1/customers/${id}`);
}

/** Creates a device, and uses its path. */
export async function withDevice(ask: (path: string) => Promise<Response>): Promise<Response> {
  return ask(`/v1/devices/${await gateway.enrol()}`);
}
