// AdminService over REST answers as the OpenAPI document says.

import { createServiceImplSpec } from "@connectrpc/connect";
import { afterAll, describe, expect, test } from "vitest";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuthError } from "../../src/core/errors.ts";
import { adminTokenId } from "../../src/core/registry/operators.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { isRead } from "../../src/services/admin-guard.ts";
import { ADMIN_TOKEN, startFileGateway } from "../gateway.ts";
import { readGenerated } from "../openapi/document.ts";
import { mountThrowing } from "../protocols/mount.ts";

const OTHER_TOKEN = "the-other-token-of-the-test";
const NOW = 1_764_000_000_000;
const gateway = await startFileGateway({ OTHER_ADMIN_TOKEN: OTHER_TOKEN }, { now: () => NOW });
const draft = { name: "reader", role: "read", expiresAt: undefined } as const;
const { adminToken: readToken } = await gateway.registry.operators.issue(draft, GATEWAY);

const spec = createServiceImplSpec<typeof AdminService>(AdminService, {});
const away = await mountThrowing(new AuthError("unavailable", "the registry is away", { retryAfterMs: 1_000 }), {
  spec,
});
const broken = await mountThrowing(new TypeError("a bug"), { spec });
afterAll(() => Promise.all([away.close(0), broken.close(0)]));

const document = readGenerated("internal");

interface Sent {
  /** The customer, key, device or token that the path names. */
  readonly name?: string;
  readonly query?: string;
  readonly body?: unknown;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly url?: string;
}

/** Calls an operation, and checks its answer against the document. @returns status, ETag and body */
async function call(method: string, { name = "none", query = "", body = {}, token = ADMIN_TOKEN, ...sent }: Sent = {}) {
  const { id, verb, path } = document.operation(`AdminService_${method}`);
  const hasBody = verb !== "GET" && verb !== "DELETE";
  const url = new URL(path.replace(/\{\w+\}/, encodeURIComponent(name)) + query, sent.url ?? gateway.internalUrl);
  const response = await fetch(url, {
    method: verb,
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json", ...sent.headers },
    ...(hasBody && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const json = await document.expectDocumented(response, id);
  return { status: response.status, etag: response.headers.get("ETag") ?? "", json };
}

test("the document has every method, and no other", () => {
  const documented = document.operations.filter(({ id }) => id.startsWith("AdminService_"));
  expect(documented.map(({ id }) => id.slice("AdminService_".length)).sort()).toEqual(
    AdminService.methods.map(({ name }) => name).sort(),
  );
});

describe.each(AdminService.methods.map(({ name }) => name))("%s", (method) => {
  test("answers a request without content as documented", async () => {
    await call(method);
  });

  test("answers errors as documented", async () => {
    const reasonOf = async (sent: Sent): Promise<unknown> => (await call(method, sent)).json["reason"];
    expect(await reasonOf({ token: "another" })).toBe("invalid_admin_token");
    expect(await reasonOf({ url: away.url })).toBe("unavailable");
    expect(await reasonOf({ url: broken.url })).toBe("internal");
    if (!isRead(method)) expect(await reasonOf({ token: readToken })).toBe("read_only");
    const { verb } = document.operation(`AdminService_${method}`);
    if (verb === "POST") expect(await reasonOf({ body: "{" })).toBe("malformed");
  });
});

test("two admin tokens are accepted at the same time, and the audit log names the token and its operator", async () => {
  const sent = { body: { customer_id: "of-bob" }, token: OTHER_TOKEN, headers: { "X-Operator": "bob@ops-2" } };
  await call("CreateCustomer", sent);
  const { json } = await call("ListAuditEvents", { query: "?filter=resource%3D%22customers/of-bob%22" });
  expect(json["audit_events"]).toMatchObject([
    {
      action: "CreateCustomer",
      customer_id: "of-bob",
      token_id: adminTokenId(OTHER_TOKEN),
      operator: "bob@ops-2",
      address: "127.0.0.1",
      request_id: expect.stringMatching(/\S{8,}/),
      time: new Date(NOW).toISOString().replace(".000", ""),
    },
  ]);
});

test.each([
  ["UpdateCustomer", {}, "customer_id"],
  ["CreateDevice", { device: { device_key: "d-1", customer_id: "c-1" } }, "customer_id"],
  ["CreateDevice", { customer_id: "one", device: { customer_id: "other" } }, "customer_id"],
  ["CreateCustomer", { customer_id: "one", customer: { customer_id: "other" } }, "customer_id"],
  ["GetDevice", {}, "device_key"],
  ["UpdateDevice", {}, "device"],
  ["ChangeDevices", { filter: "failing = true" }, "action"],
  ["ExplainLogin", {}, "device_key"],
  ["ImportDevices", { rows: [{ device_key: "strange", customer_id: "one", key_mode: 9 }] }, "key_mode"],
])("%s of %j is malformed: a name or value is missing, unknown or sent twice", async (method, body, field) => {
  const answer = await fetch(`${gateway.internalUrl}/${AdminService.typeName}/${method}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${ADMIN_TOKEN}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const message = expect.stringMatching(new RegExp(`^${field} `));
  expect(await answer.json()).toMatchObject({ code: "invalid_argument", message });
});

const RESOURCES = {
  Customer: {
    create: (name: string) =>
      call("CreateCustomer", { body: { customer_id: name, display_name: "One", login_limit: "2/2s" } }),
    changes: { display_name: "Two", status: "STATUS_DISABLED", login_limit: "5/10s" },
  },
  Device: {
    create(name: string, fields: object = {}) {
      const device = { device_key: name, display_name: "One", labels: { site: "west" }, ...fields };
      return call("CreateDevice", { name: gateway.customerId, body: device });
    },
    changes: {
      display_name: "Two",
      status: "STATUS_DISABLED",
      key_mode: "KEY_MODE_DERIVED",
      shared_identity: true,
      replay_guard: true,
      labels: { site: "north" },
    },
  },
};

describe.each(["Customer", "Device"] as const)("%s", (kind) => {
  const { create, changes } = RESOURCES[kind];

  const fields = Object.entries(changes);
  test.each(fields)("%s changes alone: without a mask if set, else if the mask names it", async (field, value) => {
    const name = kind === "Customer" ? field.replace("_", "-") : `${field}/7:a`;
    const { json: created } = await create(name);
    const { etag, update_time, tokens_not_before, accepts_shared_key, replay_guard, ...same } = created;
    const { json: changed } = await call(`Update${kind}`, { name, body: { [field]: value } });
    expect(changed).toMatchObject({ ...same, [field]: value });
    const others = { display_name: "Three", labels: { site: "south" }, login_limit: "1/1s", [field]: created[field] };
    const { json: reset } = await call(`Update${kind}`, { name, query: `?update_mask=${field}`, body: others });
    expect(reset).toMatchObject(same);
  });

  test("has its etag in the ETag header, and If-Match works as the field does", async () => {
    const name = "matched";
    const { etag, json: created } = await create(name);
    expect(await call(`Get${kind}`, { name })).toEqual({ status: 200, etag, json: created });
    expect(created["etag"]).toBe(etag);
    const ifCreated = { name, headers: { "If-Match": etag } };
    const changed = await call(`Update${kind}`, { ...ifCreated, body: { display_name: "New" } });
    expect(changed).toMatchObject({ status: 200, json: { display_name: "New", etag: changed.etag } });

    const mismatch = { status: 409, json: { reason: "etag_mismatch", field: "etag" } };
    expect(await call(`Update${kind}`, { name, body: { etag } })).toMatchObject(mismatch);
    expect(await call(`Update${kind}`, { ...ifCreated, body: {} })).toMatchObject(mismatch);
    expect(await call(`Delete${kind}`, ifCreated)).toMatchObject(mismatch);
    const ifChanged = { name, headers: { "If-Match": changed.etag } };
    expect(await call(`Delete${kind}`, ifChanged)).toEqual({ status: 200, etag: "", json: {} });
  });

  test("has the time from which its tokens are valid after they are revoked", async () => {
    await create("revoked");
    const { json } = await call(`Revoke${kind}Tokens`, { name: "revoked" });
    expect(Date.parse(String(json["tokens_not_before"]))).toBeGreaterThanOrEqual(NOW);
  });
});

test("a device's move to a key of its own is finished by a mask with accepts_shared_key alone", async () => {
  const name = "moving";
  const { create } = RESOURCES.Device;
  expect((await create("own", { key_mode: "KEY_MODE_DERIVED" })).json).toMatchObject({ key_mode: "KEY_MODE_DERIVED" });
  await create(name);
  const move = async (body: object, field: string) =>
    (await call("UpdateDevice", { name, body, query: `?update_mask=${field}` })).json;
  const moving = { key_mode: "KEY_MODE_DERIVED", accepts_shared_key: true };
  expect(await move({ key_mode: "KEY_MODE_DERIVED" }, "key_mode")).toMatchObject(moving);
  const message = /^accepts_shared_key is in update_mask and has no value/;
  expect((await move({ accepts_shared_key: true }, "accepts_shared_key"))["message"]).toMatch(message);
  expect((await call("UpdateDevice", { name, body: { display_name: "Two" } })).json).toMatchObject(moving);
  expect(await move({}, "accepts_shared_key")).toMatchObject({ ...moving, accepts_shared_key: false });
});

test("a customer with devices is not deleted", async () => {
  await RESOURCES.Device.create("kept");
  const answer = await call("DeleteCustomer", { name: gateway.customerId });
  expect(answer).toMatchObject({ status: 400, json: { reason: "failed_precondition" } });
});
