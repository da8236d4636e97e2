// The query of an import: devices by the thousand, in one transaction. Knows the schema.

import type { Kysely, Transaction } from "kysely";
import type { Device, DeviceStore } from "../core/registry/ports.ts";
import { insertAuditEvent } from "./audit.ts";
import { retryWhile } from "./busy.ts";
import type { Database } from "./database.ts";
import { deviceStatements, type VersionedDevice } from "./device-statements.ts";
import type { Schema } from "./schema.ts";

type Rows = Parameters<DeviceStore["importAll"]>[0];
type Decide = Parameters<DeviceStore["importAll"]>[1];
type Describe = Parameters<DeviceStore["importAll"]>[2];

/** Another transaction enrolled or deleted what this one had looked at. */
class Overtaken extends Error {
  override readonly name = "Overtaken";
}

/** As DeviceStore owes it. */
export async function importAll(database: Database, rows: Rows, decide: Decide, describe: Describe): Promise<void> {
  const statements = deviceStatements(database);
  const deviceKeys = rows.map(({ deviceKey }) => deviceKey);
  const customerIds = [...new Set(rows.map(({ customerId }) => customerId))];

  async function look(asker: Kysely<Schema>, lock: boolean): Promise<readonly Decided[]> {
    const customers = await statements.findCustomers(asker, customerIds, lock);
    const devices = await statements.findDevices(asker, deviceKeys, lock);
    return rows.flatMap(({ deviceKey, customerId }, place) => {
      const current = devices.get(deviceKey);
      const next = decide(place, current, customers.has(customerId));
      return next === undefined ? [] : [{ current, next }];
    });
  }

  /** Sees to it that the customers of devices are there until the transaction ends. */
  async function hold(transaction: Transaction<Schema>, decided: readonly Decided[]): Promise<void> {
    const owners = [...new Set(decided.map(({ next }) => next.customerId))];
    const { size } = await statements.findCustomers(transaction, owners, true);
    if (size < owners.length) throw new Overtaken();
  }

  async function write(transaction: Transaction<Schema>, decided: readonly Decided[]): Promise<void> {
    const entry = describe();
    const devices = decided.map((change) => stamp(change, entry.at)).sort(byDeviceKey);
    if ((await statements.put(transaction, devices)) < devices.length) throw new Overtaken();
    // A former device of such a name may have been seen after it was deleted.
    const created = decided.filter(isNew).map(({ next }) => next.deviceKey);
    await statements.forgetActivity(transaction, created);
    await insertAuditEvent(transaction, entry);
  }

  await retryWhile(
    (error) => error instanceof Overtaken,
    async () => {
      // Done again, an import finds nothing to do, and keeps nobody from writing to see that.
      const seen = await database.read((db) => look(db, false));
      if (seen.length === 0) return;
      await database.write(async (transaction) => {
        // New devices need not be looked for again: were one there by now, it would not be written over.
        if (seen.every(isNew)) {
          await hold(transaction, seen);
          await write(transaction, seen);
          return;
        }
        const decided = await look(transaction, true);
        if (decided.length > 0) await write(transaction, decided);
      });
    },
  );
}

interface Decided {
  readonly current: VersionedDevice | undefined;
  readonly next: Device;
}

function isNew({ current }: Decided): boolean {
  return current === undefined;
}

function stamp({ current, next }: Decided, now: number): VersionedDevice {
  return { ...next, createdAt: current?.createdAt ?? now, updatedAt: now, revision: (current?.revision ?? 0) + 1 };
}

/** In one order, so that two imports of the same devices do not each wait for the other. */
function byDeviceKey(one: Device, other: Device): number {
  return one.deviceKey < other.deviceKey ? -1 : 1;
}
