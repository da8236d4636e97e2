// Answers to operators' calls against the OpenAPI document: every call, with the errors that all of them share.

import { createServiceImplSpec } from "@connectrpc/connect";
import { afterAll, describe, expect, test } from "vitest";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuthError } from "../../src/core/errors.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { ADMIN_MESSAGE_BYTES } from "../../src/services/admin.ts";
import { isRead } from "../../src/services/admin-guard.ts";
import { ADMIN_TOKEN, startFileGateway } from "../gateway.ts";
import { guardOf, mountThrowing } from "../protocols/mount.ts";
import { readGenerated } from "./document.ts";

const document = readGenerated("internal");
const calls = document.operations.filter(({ id }) => id.startsWith("AdminService_"));

const gateway = await startFileGateway();
const draft = { name: "reader", role: "read", expiresAt: undefined } as const;
const { adminToken: readToken } = await gateway.registry.operators.issue(draft, GATEWAY);
const admin = {
  spec: createServiceImplSpec<typeof AdminService>(AdminService, {}),
  guard: guardOf(ADMIN_TOKEN),
  maxMessageBytes: ADMIN_MESSAGE_BYTES,
};
const unavailable = new AuthError("unavailable", "the registry is away", { retryAfterMs: 1_000 });
const away = await mountThrowing(unavailable, admin);
const broken = await mountThrowing(new TypeError("a bug"), admin);
afterAll(() => Promise.all([away.close(0), broken.close(0)]));

interface OperatorRequest {
  readonly verb: string;
  readonly path: string;
  readonly token?: string;
  readonly url?: string;
  readonly body?: string;
}

function operate({ verb, path, token = ADMIN_TOKEN, url = gateway.internalUrl, body = "{}" }: OperatorRequest) {
  const hasBody = verb !== "GET" && verb !== "DELETE";
  return fetch(new URL(path, url), {
    method: verb,
    headers: { Authorization: `Bearer ${token}`, ...(hasBody && { "Content-Type": "application/json" }) },
    ...(hasBody && { body }),
  });
}

test("the document has every call of AdminService", () => {
  expect(calls).toHaveLength(AdminService.methods.length);
});

describe.each(calls)("$id", ({ id, verb, path: template }) => {
  const call = { verb, path: template.replaceAll(/\{[^}]*\}/g, "none") };
  const reasonOf = async (answer: Response): Promise<unknown> =>
    (await document.expectDocumented(answer, id))["reason"];

  test("answers an empty request as documented", async () => {
    await document.expectDocumented(await operate(call), id);
  });

  test("answers errors as documented", async () => {
    expect(await reasonOf(await operate({ ...call, token: "another" }))).toBe("invalid_admin_token");
    expect(await reasonOf(await operate({ ...call, url: away.url }))).toBe("unavailable");
    expect(await reasonOf(await operate({ ...call, url: broken.url }))).toBe("internal");
    const name = id.replace("AdminService_", "");
    if (!isRead(name)) expect(await reasonOf(await operate({ ...call, token: readToken }))).toBe("read_only");
    if (verb === "POST") expect(await reasonOf(await operate({ ...call, body: "{" }))).toBe("malformed");
  });
});

test("a resource and a stale etag are answered as documented", async () => {
  const customer = { verb: "GET", path: `/v1/customers/${gateway.customerId}` };
  const device = { verb: "GET", path: `/v1/devices/${await gateway.enrol()}` };
  const stale = JSON.stringify({ display_name: "x", etag: "another" });
  for (const [id, request, status] of [
    ["GetCustomer", customer, 200],
    ["UpdateCustomer", { ...customer, verb: "PATCH", body: '{"display_name":"x"}' }, 200],
    ["UpdateCustomer", { ...customer, verb: "PATCH", body: stale }, 409],
    ["DeleteCustomer", { ...customer, verb: "DELETE" }, 400],
    ["GetDevice", device, 200],
    ["UpdateDevice", { ...device, verb: "PATCH", body: stale }, 409],
    ["DeleteDevice", { ...device, verb: "DELETE" }, 200],
  ] as const) {
    const answer = await operate(request);
    expect([id, answer.status]).toEqual([id, status]);
    await document.expectDocumented(answer, `AdminService_${id}`);
  }
});
