// The contract of sealed rows on every database: a row that was altered in the database cannot be unsealed, and the error says why.

import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { SealError } from "../../src/store/sealing.ts";
import { addCustomer, addDevice, addKey, NOW } from "../contracts/store-samples.ts";
import { caughtErrorOf } from "../core/caught-error.ts";
import { activePrivateKey, openRing } from "../keyring/ring.ts";
import type { TestDatabase } from "./database.ts";

export const SECRET = "a secret that must not be on the disk";

/** The error for a secret in another row. */
function moved(name: string): SealError {
  return new SealError(`the sealed secret of ${name} was altered or moved to another row. Restore it from a backup`);
}

/** A store with three customers, a key and a device each. */
export async function fill<Opened extends TestDatabase>(opened: Opened): Promise<Opened> {
  const { store } = opened;
  for (const number of [1, 2, 3]) {
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

  /** Expects that logins of a customer are `unavailable`, that one fault names the row, and that other customers log in. */
  async function expectRefused({ store, faults }: TestDatabase, error: SealError): Promise<void> {
    for (let logins = 0; logins < 3; logins++) {
      expect((await caughtErrorOf(store.credentials.find("device-1", NOW))).reason).toBe("unavailable");
    }
    expect(faults).toEqual([error]);
    expect((await store.credentials.find("device-3", NOW)).loginKeys).toMatchObject([{ keyId: "key-3" }]);
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
      ["key_id", "customer-1 key-4 login", "update customer_keys set key_id = 'key-4' where key_id = 'key-1'"],
      [
        "purpose",
        "customer-1 key-1 derivation",
        "update customer_keys set purpose = 'derivation' where key_id = 'key-1'",
      ],
    ])(
      "a key whose %s was changed in the database is named once, and fails its customer's logins only",
      async (row) => {
        const [, context, ...statements] = row;
        const opened = await openFilled();
        await alter(opened, ...statements);
        await expectRefused(opened, moved(`customer_key ${context}`));
        // A token check needs no key.
        expect(await opened.store.credentials.findStanding("device-1", "t-1")).toMatchObject({ enabled: true });
      },
    );

    test("a signing key under another kid cannot be unsealed", async () => {
      const opened = await openFilled();
      await openRing(opened.store.signingKeys);
      await alter(opened, "update signing_keys set kid = 'other' where state = 'active'");
      await expect(activePrivateKey(opened.store.signingKeys)).rejects.toThrow(moved("signing_key other ES256"));
    });

    test("a ring without its master key opens, signs nothing and names the key", async () => {
      const opened = await openFilled();
      await openRing(opened.store.signingKeys);
      const stranger = await opened.reopen([Buffer.alloc(32, 2)]);
      const faults: unknown[] = [];
      const ring = await openRing(stranger.signingKeys, { onFault: (error) => faults.push(String(error)) });
      const { keys } = await opened.store.signingKeys.read();
      const name = `signing_key ${keys.find(({ state }) => state === "active")?.kid} ES256`;
      const fault = expect.stringContaining(`the sealed secret of ${name} is sealed with another master key`);
      expect([ring.active(), faults]).toEqual([undefined, [fault]]);
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
