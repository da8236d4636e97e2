// The audit log: reading and retention.

import { expect, test } from "vitest";
import { ACTOR, entryOf, NOW } from "../../contracts/store-samples.ts";
import { ALL, openRegistry } from "./open-registry.ts";

const DAY = 86_400_000;

test("lists the newest first, with filters", async () => {
  const { registry, store } = await openRegistry();
  for (const [index, action] of ["A", "B", "C"].entries()) {
    await store.audit.append(entryOf(action, { at: NOW + index * DAY, actor: { ...ACTOR, operator: `op ${index}` } }));
  }
  const list = async (filter: string): Promise<string> =>
    (await registry.listAuditEvents({ ...ALL, filter })).items.map(({ action }) => action).join("");
  expect(await list("")).toBe("CBA");
  expect(await list("action = B")).toBe("B");
  expect(await list('operator = "op 2"')).toBe("C");
  expect(await list("token_id = 0a1b2c3d AND resource = devices/device-1 AND customer_id = customer-1")).toBe("CBA");
  expect(await list('time > "2025-11-24T16:00:00Z"')).toBe("CB");
  expect(await list('time >= "2025-11-24T16:00:00Z" AND time < "2025-11-25T16:00:00Z"')).toBe("A");
  const first = await registry.listAuditEvents({ ...ALL, pageSize: 2 });
  const last = await registry.listAuditEvents({ ...ALL, pageSize: 2, pageToken: first.nextPageToken });
  expect(last.items.map(({ action }) => action)).toEqual(["A"]);
});
