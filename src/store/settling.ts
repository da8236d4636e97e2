// The end of a device's move to a key of its own: its first derived login, on disk before it is answered. Knows the schema.

import type { CredentialStore, KeyPurpose } from "../core/ports.ts";
import { GATEWAY } from "../core/registry/ports.ts";
import { createBatches } from "./batches.ts";
import type { Database } from "./database.ts";
import { recordChanges } from "./recorded-changes.ts";

/** Of a fleet that is moved at once, so many devices settle in one transaction; what comes meanwhile waits for the next. */
const BATCHES = { most: 200, atOnce: 1 };

interface Proof {
  readonly deviceKey: string;
  readonly purpose: KeyPurpose;
  readonly now: number;
}

/** Decides the proofs of devices that are moving, by the database and never by what was found before. */
export function createSettling(database: Database): CredentialStore["settle"] {
  const decide = createBatches<Proof, boolean>((proofs) => settleAll(database, proofs), BATCHES);
  return (deviceKey, purpose, now) => decide({ deviceKey, purpose, now });
}

function settleAll(database: Database, proofs: readonly Proof[]): Promise<readonly boolean[]> {
  const derived = [...new Set(proofs.filter(isDerived).map(({ deviceKey }) => deviceKey))].sort();
  const names = [...new Set(proofs.map(({ deviceKey }) => deviceKey))];
  const now = Math.max(...proofs.map((proof) => proof.now));
  return database.write(async (transaction) => {
    const settled =
      derived.length === 0
        ? []
        : await transaction
            .updateTable("devices")
            .set((eb) => ({ accepts_shared: 0, updated_at: now, revision: eb("revision", "+", 1) }))
            .where("device_key", "in", derived)
            .where("key_mode", "=", "derived")
            .where("accepts_shared", "=", 1)
            .returning(["device_key", "customer_id"])
            .execute();
    if (settled.length > 0) {
      const entries = settled.map(({ device_key, customer_id }) => ({
        actor: GATEWAY,
        at: now,
        action: "SettleDevice",
        resource: `devices/${device_key}`,
        customerId: customer_id,
        details: { accepts_shared_key: false },
      }));
      const subjects = settled.map(({ device_key }) => `device ${device_key}` as const);
      await recordChanges(transaction, database.dialect, { at: now, entries, subjects });
    }
    const devices = await transaction
      .selectFrom("devices")
      .where("device_key", "in", names)
      // The decoy's name.
      .where("device_key", "<>", "")
      .select(["device_key", "key_mode", "accepts_shared"])
      .execute();
    const states = new Map(devices.map((device) => [device.device_key, device]));
    return proofs.map((proof) => {
      const device = states.get(proof.deviceKey);
      if (device === undefined) return false;
      return isDerived(proof)
        ? device.key_mode === "derived"
        : device.key_mode === "shared" || device.accepts_shared === 1;
    });
  });
}

function isDerived({ purpose }: Pick<Proof, "purpose">): boolean {
  return purpose === "derivation";
}
