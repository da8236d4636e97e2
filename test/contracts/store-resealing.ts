// The contract of a SecretStore that seals anew, on each database.

import { describe, expect, test } from "vitest";
import type { Database } from "../../src/store/database.ts";
import { customerKeyContext } from "../../src/store/sealing.ts";
import type { Empty } from "../store/connections.ts";
import {
  after,
  auditOf,
  before,
  between,
  insertKey,
  insertKeys,
  insertSigningKey,
  openAcme,
  readAll,
  readSealed,
  resealAll,
  resealedEvent,
  secretsOn,
  stranger,
} from "./sealed-samples.ts";
import { ACTOR, NOW } from "./store-samples.ts";

/** Runs the contract. `openEmpty` makes a database of the test's own. */
export function resealingContract(name: string, openEmpty: () => Promise<Empty>): void {
  describe(`${name}: sealing anew`, () => {
    test("every secret opens with the first master key alone when it is done, and only then is it done", async () => {
      const { database } = await openAcme(await openEmpty());
      await insertKeys(database, before, 450);
      await insertSigningKey(database, before, "kid-1", "active");
      const { reseal } = secretsOn(database, between);

      const calls = [await reseal(ACTOR), await reseal(ACTOR), await reseal(ACTOR)];
      expect(calls).toEqual([
        { resealed: 200, unopened: 0, done: false },
        { resealed: 200, unopened: 0, done: false },
        { resealed: 51, unopened: 0, done: true },
      ]);
      expect(await readAll(database, after)).toHaveLength(451);
      expect(await auditOf(database)).toEqual([200, 200, 51].map((resealed) => resealedEvent({ resealed })));
    });

    test("done again nothing changes, and nothing is told of", async () => {
      const { database } = await openAcme(await openEmpty());
      await insertKeys(database, after, 5);
      const stored = await readSealed(database);
      expect(await secretsOn(database, between).reseal(ACTOR)).toEqual({ resealed: 0, unopened: 0, done: true });
      expect(await readSealed(database)).toEqual(stored);
      expect(await auditOf(database)).toEqual([]);
    });

    test("resealing finds a secret that another gateway seals meanwhile with the old key", async () => {
      const { database } = await openAcme(await openEmpty());
      await insertKeys(database, before, 250);
      const { reseal } = secretsOn(database, between);
      expect(await reseal(ACTOR)).toMatchObject({ resealed: 200, done: false });
      // Comes before all that was looked at so far.
      await insertKey(database, before, "a");
      expect(await reseal(ACTOR)).toEqual({ resealed: 51, unopened: 0, done: true });
      await readAll(database, after);
    });

    test("concurrent resealings seal each secret once", async () => {
      const { database, connect } = await openAcme(await openEmpty());
      await insertKeys(database, before, 700);
      const others = await Promise.all([connect(), connect(), connect()]);
      const counts = await Promise.all(others.map((other) => resealAll(secretsOn(other, between))));
      expect(counts.reduce((sum, count) => sum + count)).toBe(700);
      await readAll(database, after);
    });

    test("a secret that changed after it was read stays as it is", async () => {
      const { database } = await openAcme(await openEmpty());
      await insertKeys(database, before, 3);
      const changed = before.seal(Buffer.from("other"), customerKeyContext("acme", "key-0001", "login"));
      const late: Database = {
        ...database,
        async write(act) {
          const { db } = database;
          await db
            .updateTable("customer_keys")
            .set({ sealed_secret: changed })
            .where("key_id", "=", "key-0001")
            .execute();
          return database.write(act);
        },
      };
      expect(await secretsOn(late, between).reseal(ACTOR)).toMatchObject({ resealed: 2 });
      expect((await readSealed(database)).get("key-0001")).toEqual(changed);
    });

    test("a secret that does not open is counted and left, and the resealing ends", { timeout: 30_000 }, async () => {
      const { database } = await openAcme(await openEmpty());
      await insertKeys(database, before, 500);
      // More than one call looks at: half moved to other rows.
      await database.db
        .updateTable("customer_keys")
        .set({ customer_id: "" })
        .where("key_id", "<", "key-0250")
        .where("key_id", ">", "")
        .execute();
      await insertKey(database, stranger, "z-lost");
      await insertKey(database, stranger, "z-lost-and-retired", { retired_at: NOW });
      const stored = await readSealed(database);
      const secrets = secretsOn(database, between);
      expect(await resealAll(secrets)).toBe(250);
      expect(await secrets.reseal(ACTOR)).toEqual({ resealed: 0, unopened: 251, done: true });
      for (const [id, sealed] of await readSealed(database)) {
        if (id < "key-0250" || id.startsWith("z")) expect([id, sealed]).toEqual([id, stored.get(id)]);
      }
    });
  });
}
