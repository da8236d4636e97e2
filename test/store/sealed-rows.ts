// The contract of sealed rows on every database: a row that was altered in the database cannot be unsealed, and the error says why.

import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { SealError } from "../../src/store/sealing.ts";
import type { Store } from "../../src/store/sql.ts";
import { addCustomer, addDevice, addKey, NOW } from "../contracts/store-samples.ts";
import { caughtErrorOf } from "../core/caught-error.ts";
import { activePrivateKey, openRing } from "../keyring/ring.ts";
import type { TestDatabase } from "./database.ts";

export const SECRET = "a secret that must not be on the disk";

/** The error for a secret in another row. */
function moved(name: string): SealError {
  return new SealError(`the sealed secret of ${name} was altered or moved to another row. Restore it from a backup`);
}

/** A store with two customers, a key and a device each. */
export async function fill<Opened extends TestDatabase>(opened: Opened): Promise<Opened> {
  const { store } = opened;
  for (const number of [1, 2]) {
    const customerId = `customer-${number}`;
    await addCustomer(store, { customerId });
    await addKey(store, `key-${number}`, { customerId, secret: Buffer.from(`${SECRET} ${number}`) });
    await addDevice(store, { deviceKey: `device-${number}`, customerId });
  }
  return opened;
}

export function sealedRowsContract(name: string, open: () => Promise<TestDatabase>): void {
  const openFilled = async (): Promise<TestDatabase> => fill(await open());

  async function alter({ database }: TestDatabase, ...statements: readonly string[]): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(database.db);
  }

  /** Expects that a login is `unavailable` and that the fault names the row. */
  async function expectRefused({ credentials }: Store, error: SealError, faults: readonly unknown[]): Promise<void> {
    expect((await caughtErrorOf(credentials.find("device-1", NOW))).reason).toBe("unavailable");
    expect(faults).toEqual([error]);
  }

  describe(`sealed rows of ${name}`, () => {
    const stolen = "(select sealed_secret from customer_keys where key_id = 'key-2')";
    test.for([
      [
        "sealed_secret",
        "customer-1 key-1 login",
        `update customer_keys set sealed_secret = ${stolen} where key_id = 'key-1'`,
      ],
      [
        "customer_id",
        "customer-1 key-2 login",
        "delete from customer_keys where key_id = 'key-1'",
        "update customer_keys set customer_id = 'customer-1' where key_id = 'key-2'",
      ],
      ["key_id", "customer-1 key-3 login", "update customer_keys set key_id = 'key-3' where key_id = 'key-1'"],
      [
        "purpose",
        "customer-1 key-1 derivation",
        "update customer_keys set purpose = 'derivation'",
        "update devices set key_mode = 'derived'",
      ],
    ])("a key whose %s was changed in the database cannot be unsealed", async ([, context, ...statements]) => {
      const opened = await openFilled();
      await alter(opened, ...statements);
      await expectRefused(opened.store, moved(`customer_key ${context}`), opened.faults);
    });

    test("a key that cannot be unsealed is named once, and fails the logins of its customer only", async () => {
      const opened = await openFilled();
      await alter(opened, "update customer_keys set purpose = 'derivation' where key_id = 'key-1'");
      const error = moved("customer_key customer-1 key-1 derivation");
      for (let logins = 0; logins < 3; logins++) await expectRefused(opened.store, error, opened.faults);
      expect((await opened.store.credentials.find("device-2", NOW)).loginKeys).toMatchObject([{ keyId: "key-2" }]);
    });

    test("a signing key under another kid cannot be unsealed", async () => {
      const opened = await openFilled();
      await openRing(opened.store.signingKeys);
      await alter(opened, "update signing_keys set kid = 'other' where state = 'active'");
      await expect(activePrivateKey(opened.store.signingKeys)).rejects.toThrow(moved("signing_key other ES256"));
    });

    test("the error for a wrong master key names the row and the cure", async () => {
      const opened = await openFilled();
      await openRing(opened.store.signingKeys);
      const stranger = await opened.reopen([Buffer.alloc(32, 2)]);
      const errorFor = (name: string): SealError =>
        new SealError(
          `the sealed secret of ${name} is sealed with another master key. Set COUNTERSIGN_MASTER_KEY to that key, or add it to COUNTERSIGN_OTHER_MASTER_KEYS`,
        );
      await expectRefused(stranger, errorFor("customer_key customer-1 key-1 login"), opened.faults);
      const { keys } = await opened.store.signingKeys.read();
      const signingKey = errorFor(`signing_key ${keys.find(({ state }) => state === "active")?.kid} ES256`);
      await expect(activePrivateKey(stranger.signingKeys)).rejects.toThrow(signingKey);
      const faults: unknown[] = [];
      const ring = await openRing(stranger.signingKeys, { onFault: (error) => faults.push(error) });
      expect([ring.active(), faults]).toEqual([undefined, [signingKey]]);
    });

    test.for(["active", "next"])("the schema refuses a second %s signing key", async (state) => {
      const opened = await openFilled();
      await openRing(opened.store.signingKeys);
      const columns = "alg, state, sealed_private_key, public_jwk, created_at";
      const second = `insert into signing_keys (kid, ${columns}) select 'second', ${columns} from signing_keys where state = '${state}'`;
      await expect(alter(opened, second)).rejects.toThrow(/unique constraint/i);
    });
  });
}
