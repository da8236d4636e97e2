// Etags over REST: in headers both ways, through a real gateway.

import { afterAll, beforeAll, expect, test } from "vitest";
import { ADMIN_TOKEN, openGateway, type TestGateway } from "../gateway.ts";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway.close());

/** Sends a REST call. */
async function send(
  verb: string,
  path: string,
  { ifMatch, body }: { ifMatch?: string; body?: object } = {},
): Promise<{ status: number; etag: string; json: Record<string, unknown> }> {
  const response = await fetch(new URL(path, gateway.internalUrl), {
    method: verb,
    headers: {
      Authorization: `Bearer ${ADMIN_TOKEN}`,
      "Content-Type": "application/json",
      ...(ifMatch !== undefined && { "If-Match": ifMatch }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, etag: response.headers.get("ETag") ?? "", json: JSON.parse(await response.text()) };
}

test.each([
  ["customers", "/v1/customers?customer_id=matched", "/v1/customers/matched"],
  ["devices", "/v1/customers/CUSTOMER/devices", "/v1/devices/matched"],
])("etags of %s are in the ETag header, and If-Match works as the field does", async (_what, parent, path) => {
  const created = await send("POST", parent.replace("CUSTOMER", gateway.customerId), {
    body: { device_key: "matched", display_name: "One" },
  });
  const first = (await send("GET", path)).etag;
  expect(created).toMatchObject({ status: 200, etag: first, json: { etag: first } });
  const changed = await send("PATCH", path, { ifMatch: first, body: { display_name: "New" } });
  expect(changed).toMatchObject({ status: 200, json: { display_name: "New", etag: changed.etag } });
  expect(changed.etag).not.toBe(first);

  const mismatch = { status: 409, json: { reason: "etag_mismatch", field: "etag" } };
  expect(await send("PATCH", path, { ifMatch: first, body: { display_name: "Late" } })).toMatchObject(mismatch);
  expect(await send("DELETE", path, { ifMatch: first })).toMatchObject(mismatch);
  const conflicting = await send("PATCH", path, { ifMatch: changed.etag, body: { display_name: "Late", etag: first } });
  expect(conflicting).toMatchObject({ status: 400, json: { message: "etag and If-Match differ. Send one of them" } });

  expect((await send("GET", path)).json).toMatchObject({ display_name: "New" });
  expect((await send("DELETE", path, { ifMatch: changed.etag })).status).toBe(200);
});
