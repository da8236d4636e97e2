// The store's contract for lists: pages, filters and the audit log.

import { expect, test } from "vitest";
import { DEVICE_KIND } from "../../src/core/registry/devices.ts";
import type { Listing, ListRequest } from "../../src/core/registry/lists.ts";
import { createRegistry } from "../../src/core/registry/registry.ts";
import { insertAuditEvents } from "../../src/store/registry/audit.ts";
import {
  ACTOR,
  addCustomer,
  addDevice,
  changing,
  device,
  enrolMany,
  entryOf,
  FIRST,
  failureOf,
  NOW,
  type Open,
  oddDevice,
  openWithCustomer,
} from "./store-samples.ts";

interface Row {
  readonly customerId: string;
  readonly deviceKey?: string;
  readonly action?: string;
}

/** Reads a list to its end. @returns the names on each page; of audit events, their actions */
async function readPages(
  list: (request: ListRequest) => Promise<Listing<Row>>,
  filter: string,
  pageSize = 2,
): Promise<readonly string[]> {
  const pages: string[] = [];
  let pageToken = "";
  do {
    const { items, nextPageToken } = await list({ filter, pageSize, pageToken });
    pages.push(items.map(({ action, deviceKey, customerId }) => action ?? deviceKey ?? customerId).join(" "));
    pageToken = nextPageToken;
  } while (pageToken !== "");
  return pages;
}

const readNames = async (...[list, filter]: Parameters<typeof readPages>): Promise<string> =>
  (await readPages(list, filter)).join(" ").trim();

export function describeLists(open: Open): void {
  async function openLists() {
    const opened = await openWithCustomer(open);
    const registry = createRegistry({ ...opened.store, now: () => NOW });
    return { ...opened, devices: registry.devices.list, customers: registry.customers.list };
  }

  test("lists every device once, in order, and no page after the last", async () => {
    const { store, devices } = await openLists();
    // The order of bytes, not of a language.
    const keys = ["!", "-a", "A", "B", "_", "a", "a-b", "a.b", "b", "~"];
    for (const deviceKey of keys.toReversed()) await addDevice(store, { deviceKey });
    for (const size of [1, 3, 5, 10, 1_000]) {
      const pages = Array.from({ length: Math.ceil(10 / size) }, (_, page) =>
        keys.slice(page * size, (page + 1) * size),
      );
      expect(await readPages(devices, "", size)).toEqual(pages.map((page) => page.join(" ")));
    }
    // A page follows the one before it even if that one's devices were deleted meanwhile.
    const { nextPageToken: pageToken } = await devices({ filter: "", pageSize: 2, pageToken: "" });
    for (const key of keys.slice(0, 3)) await store.devices.delete(key, () => entryOf("DeleteDevice"));
    const { items } = await devices({ filter: "", pageSize: 9, pageToken });
    expect(items.map(({ deviceKey }) => deviceKey)).toEqual(keys.slice(3));
  });

  test("reads a bounded number of rows for a page: a rare match comes after empty pages, unless an index finds it", async () => {
    const { store, devices } = await openLists();
    const keys = await enrolMany(store, 4_500);
    const [early = "", late = ""] = [keys[1], keys[4_400]];
    for (const key of [early, late]) await store.devices.update(key, changing({ status: "disabled" }));
    await addCustomer(store, { customerId: "customer-2" });
    await addDevice(store, { deviceKey: "z", customerId: "customer-2", status: "disabled" });
    for (const [filter = "", ...pages] of [
      ["status = disabled AND customer_id != customer-2", early, "", late],
      [`status = enabled AND device_key <= ${keys[4]}`, `${keys[0]} ${keys[2]}`, `${keys[3]} ${keys[4]}`],
      [`status = disabled AND device_key = ${late}`, late],
      [`status = disabled AND device_key >= ${late}`, `${late} z`],
      ["customer_id = customer-2", "z"],
      ["customer_id = customer-2 AND status = disabled", "z"],
      ["customer_id = customer-2 AND customer_id = customer-1", ""],
    ]) {
      expect([filter, await readPages(devices, filter)]).toEqual([filter, pages]);
    }
  });

  test("compares each field of a device", async () => {
    const { store, devices } = await openLists();
    await addDevice(store, { deviceKey: "a" });
    const labels = { "site.a-b_c": "x", site: "y" };
    await addDevice(store, { ...oddDevice, deviceKey: "b", displayName: "It's B", labels });
    await store.activity.record([{ ...failureOf("b", NOW, "replayed"), login: { at: NOW, keyId: "k1" } }]);
    const b = {
      device_key: "b",
      display_name: '"It\'s B"',
      status: "disabled",
      key_mode: "derived",
      shared_identity: "true",
      replay_guard: "true",
      accepts_shared_key: "true",
      last_key_id: "k1",
      last_failure_reason: "replayed",
      "labels.site": "y",
      "labels.site.a-b_c": "x",
    };
    for (const [field, value] of Object.entries(b)) {
      expect([field, await readNames(devices, `${field} = ${value}`)]).toEqual([field, "b"]);
      expect([field, await readNames(devices, `${field} != ${value}`)]).toEqual([field, "a"]);
    }
    // A missing value is compared as empty.
    for (const field of ["last_key_id", "last_failure_reason", "labels.site", "display_name"]) {
      expect(await readNames(devices, `${field} = ""`)).toBe("a");
    }
    expect(await readNames(devices, 'labels.none = ""')).toBe("a b");
    expect(await readNames(devices, "customer_id = customer-1")).toBe("a b");
    expect(await readNames(devices, "customer_id != customer-1")).toBe("");
    // The next test compares times, and store-fleet.ts compares `failing` and `last_seen_time`.
    const others = ["create_time", "last_login_time", "last_failure_time", "last_seen_time", "failing", "customer_id"];
    const compared = [...Object.keys(b).map((field) => field.replace(/^labels\..*/, "labels")), ...others];
    expect(Object.keys(DEVICE_KIND.fields).filter((field) => !compared.includes(field))).toEqual([]);
  });

  test("compares times, and a missing time matches no comparison", async () => {
    const { store, devices } = await openLists();
    for (const [index, deviceKey] of ["a", "b", "c"].entries()) {
      const at = NOW + index;
      await store.devices.insert({ ...device, deviceKey }, entryOf("CreateDevice", { at }));
      if (index > 0) await store.activity.record([{ ...failureOf(deviceKey, at), login: { at, keyId: "k1" } }]);
    }
    for (const [operator, created, seen] of [
      ["=", "b", "b"],
      ["!=", "a c", "c"],
      ["<", "a", ""],
      ["<=", "a b", "b"],
      [">", "c", "c"],
      [">=", "b c", "b c"],
    ] as const) {
      const comparison = `${operator} ${new Date(NOW + 1).toISOString()}`;
      expect(await readNames(devices, `create_time ${comparison}`)).toBe(created);
      expect(await readNames(devices, `last_login_time ${comparison}`)).toBe(seen);
      expect(await readNames(devices, `last_failure_time ${comparison}`)).toBe(seen);
    }
  });

  test("a value is never read as SQL, and a list has no other fields than its own", async () => {
    const { store, devices } = await openLists();
    await addDevice(store);
    for (const value of ["' or 1=1 --", '\\" or \\"1\\"=\\"1', "%", "_", "\\\\", "x'; drop table devices; --"]) {
      for (const field of ["display_name", "device_key", "customer_id", "labels.site"]) {
        expect(await readNames(devices, `${field} = "${value}"`)).toBe("");
      }
    }
    expect(await readNames(devices, "")).toBe("device-1");
    const conditions = [{ field: "sealed_secret", operator: "=", value: "x" }] as const;
    for (const { list } of [store.devices, store.customers, store.audit]) {
      await expect(list({ ...FIRST, conditions })).rejects.toThrow(RangeError);
    }
  });

  test("lists customers by name, page after page, and compares their fields", async () => {
    const { store, customers } = await openLists();
    await store.customers.delete("customer-1", () => entryOf("DeleteCustomer"));
    for (const [index, customerId] of [...["a", "b", "c", "d", "e"].entries()].reverse()) {
      await store.customers.insert(
        {
          customerId,
          displayName: `Name ${customerId}`,
          status: index % 2 ? "disabled" : "enabled",
          loginLimit: "",
          tokensNotBefore: 0,
        },
        entryOf("CreateCustomer", { at: NOW - 5_000 + index * 1_000 }),
      );
    }
    for (const [filter, found] of [
      ["", "a b c d e"],
      ["customer_id = c", "c"],
      ["customer_id != c", "a b d e"],
      ['display_name = "Name d"', "d"],
      ["status = disabled", "b d"],
      ["create_time >= -2s", "d e"],
      ["status = disabled AND create_time >= -2s", "d"],
    ] as const) {
      expect([filter, await readNames(customers, filter)]).toEqual([filter, found]);
    }
  });

  /** Opens an audit log with events that are named by their index, the oldest first. */
  async function openFilled(...times: readonly number[]) {
    const { store, database, reopen } = await open();
    const entries = times.map((at, index) => entryOf(String(index), { at }));
    await database.write((transaction) => insertAuditEvents(transaction, ...entries));
    return { audit: store.audit, reopen, events: createRegistry({ ...store, now: () => NOW }).listAuditEvents };
  }

  test("another process reads from the audit log who, what and when, with the texts of callers cut", async () => {
    const { audit, reopen } = await openFilled();
    const entry = entryOf("UpdateDevice", { details: { display_name: 'Ü"\\', replay_guard: true, count: 3 } });
    await audit.append(entry);
    await audit.append({ ...entry, actor: { ...ACTOR, operator: `a\0b\n${"x".repeat(500)}`, requestId: "\ud800" } });
    const event = { ...entry, eventId: expect.stringMatching(/^\d+$/) };
    const cut = { ...ACTOR, operator: `a b ${"x".repeat(196)}`, requestId: "\ufffd" };
    expect(await (await reopen()).audit.list(FIRST)).toEqual({
      items: [{ ...event, actor: cut }, event],
      next: undefined,
    });
  });

  test("lists audit events, the newest first, page after page, in the order of writing, even if clocks differ", async () => {
    const { audit, events } = await openFilled(NOW, NOW + 5_000, NOW + 2_000, NOW, NOW + 9_000);
    for (const size of [1, 2, 5, 100]) expect((await readPages(events, "", size)).join(" ")).toBe("4 3 2 1 0");
    const ids = (await audit.list(FIRST)).items.map(({ eventId }) => Number(eventId));
    expect(ids).toEqual(ids.toSorted((one, other) => other - one));
    for (const [operator, found] of [
      ["<", "3 0"],
      ["<=", "3 2 0"],
      [">", "4 1"],
      [">=", "4 2 1"],
    ]) {
      expect(await readNames(events, `time ${operator} ${new Date(NOW + 2_000).toISOString()}`)).toBe(found);
    }
  });

  test("compares each field of an audit event", async () => {
    const { audit, events } = await openFilled(NOW);
    const actor = { ...ACTOR, tokenId: "gateway", operator: "someone" };
    await audit.append(entryOf("B", { actor, resource: "customers/x", customerId: "x" }));
    const fields = [
      "action = B",
      "resource = customers/x",
      "customer_id = x",
      "operator = someone",
      "token_id = gateway",
    ];
    for (const filter of [...fields, fields.join(" AND ")]) expect(await readNames(events, filter)).toBe("B");
    for (const filter of fields) expect(await readNames(events, filter.replace("=", "!="))).toBe("0");
  });

  test("deletes a batch of audit events older than a time, and uses no id twice", async () => {
    const { audit, events } = await openFilled(NOW, NOW + 1, NOW + 2, NOW + 3, NOW + 4);
    expect(await audit.prune(NOW, 10)).toBe(0);
    expect(await audit.prune(NOW + 3, 2)).toBe(2);
    expect(await readNames(events, "")).toBe("4 3 2");
    expect([await audit.prune(NOW + 3, 2), await audit.prune(NOW + 3, 2)]).toEqual([1, 0]);
    const [last] = (await audit.list(FIRST)).items;
    expect(await audit.prune(NOW + 5, 10)).toBe(2);
    await audit.append(entryOf("later"));
    const [later] = (await audit.list(FIRST)).items;
    expect(Number(later?.eventId)).toBeGreaterThan(Number(last?.eventId));
  });

  test.for(["x", "1.5", "-1", "9".repeat(30)])("a page of the audit log after %s is malformed", async (after) => {
    const { audit } = await openFilled();
    await expect(audit.list({ ...FIRST, after })).rejects.toMatchObject({ reason: "malformed" });
  });
}
