// The contract of a SecretStore that lets go of what is lost, on each database.

import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { LostSecretsError } from "../../src/core/registry/secrets.ts";
import { NewerSealError } from "../../src/store/sealing.ts";
import type { Empty } from "../store/connections.ts";
import {
  after,
  auditOf,
  before,
  between,
  both,
  changedOf,
  insertCustomer,
  insertKey,
  insertKeys,
  insertSigningKey,
  openAcme,
  readSealed,
  resealedEvent,
  secretsOn,
  stranger,
} from "./sealed-samples.ts";
import { ACTOR, NOW } from "./store-samples.ts";

/** Runs the contract. `openEmpty` makes a database of the test's own. */
export function lostSecretsContract(name: string, openEmpty: () => Promise<Empty>): void {
  describe(`${name}: a lost master key`, () => {
    test("is told, for what is still needed", async () => {
      const { database } = await openAcme(await openEmpty());
      await insertKey(database, after, "known");
      await insertKey(database, stranger, "lost");
      await insertKey(database, stranger, "lost-too", { expires_at: NOW + 1 });
      await insertKey(database, stranger, "expired", { expires_at: NOW });
      await insertKey(database, stranger, "retired", { retired_at: NOW - 1 });
      await insertSigningKey(database, stranger, "kid-0", "retired");
      await insertSigningKey(database, after, "kid-1", "active");
      const lost = "2 customer keys cannot be opened with the master keys of this gateway";
      await expect(secretsOn(database, after).requireMasterKeys()).rejects.toThrow(lost);
      // The ring makes another of one that has signed nothing.
      await insertSigningKey(database, stranger, "kid-2", "next");
      await expect(secretsOn(database, after).requireMasterKeys()).rejects.toThrow(lost);
      await database.db.deleteFrom("signing_keys").execute();
      await insertSigningKey(database, stranger, "kid-3", "active");
      await expect(secretsOn(database, after).requireMasterKeys()).rejects.toThrow(
        new LostSecretsError({ customerKeys: 2, signingKeys: 1 }),
      );
      expect(await secretsOn(database, both).requireMasterKeys()).toBeUndefined();
    });

    test("is none where every secret has its master key, or there is no secret; then nothing is forgotten", async () => {
      const { database } = await openAcme(await openEmpty());
      expect(await secretsOn(database, stranger).requireMasterKeys()).toBeUndefined();
      await insertKeys(database, before, 3);
      await insertSigningKey(database, before, "kid-1", "active");
      const secrets = secretsOn(database, between);
      expect(await secrets.requireMasterKeys()).toBeUndefined();
      expect(await secrets.forgetLost(ACTOR)).toEqual({ customerKeys: 0, signingKeys: 0 });
      expect([await auditOf(database), await changedOf(database)]).toEqual([[], []]);
    });

    test("forgotten, its customer keys are retired and its signing keys gone, and all else stays", async () => {
      const { database } = await openAcme(await openEmpty());
      await insertCustomer(database, "globex");
      await insertKey(database, after, "known");
      await insertKey(database, stranger, "lost");
      await insertKey(database, stranger, "lost-too", { customer_id: "globex" });
      await insertKey(database, stranger, "retired", { retired_at: 1 });
      await insertSigningKey(database, stranger, "kid-1", "active");
      await insertSigningKey(database, stranger, "kid-2", "next");
      const stored = await readSealed(database);

      const secrets = secretsOn(database, after);
      expect(await secrets.forgetLost(ACTOR)).toEqual({ customerKeys: 2, signingKeys: 2 });
      const keys = await database.db.selectFrom("customer_keys").select(["key_id", "retired_at"]).execute();
      expect(Object.fromEntries(keys.map(({ key_id, ...marks }) => [key_id, marks]))).toEqual({
        known: { retired_at: null },
        lost: { retired_at: NOW },
        "lost-too": { retired_at: NOW },
        retired: { retired_at: 1 },
      });
      expect([...(await readSealed(database))]).toEqual([...stored].filter(([id]) => id !== "kid-2"));
      const signing = await database.db.selectFrom("signing_keys").select(["kid", "state", "retired_at"]).execute();
      expect(signing).toEqual([{ kid: "kid-1", state: "retired", retired_at: NOW }]);
      expect(await auditOf(database)).toEqual([
        { ...resealedEvent({ customer_keys: 2, signing_keys: 2 }), action: "ForgetLostSecrets" },
      ]);
      expect(await changedOf(database)).toEqual(["acme", "globex"]);

      expect(await secrets.requireMasterKeys()).toBeUndefined();
      expect(await secrets.reseal(ACTOR)).toEqual({ resealed: 0, unopened: 0, done: true });
    });

    test("a secret that a newer gateway sealed is not lost, and nothing is forgotten", async () => {
      const { database } = await openAcme(await openEmpty());
      await insertKey(database, stranger, "a-lost");
      await insertKey(database, after, "newer");
      await sql`update customer_keys set sealed_secret = ${Buffer.concat([Buffer.of(2), Buffer.alloc(60)])} where key_id = 'newer'`.execute(
        database.db,
      );
      await expect(secretsOn(database, after).forgetLost(ACTOR)).rejects.toThrow(NewerSealError);
      const lost = await database.db
        .selectFrom("customer_keys")
        .where("retired_at", "is not", null)
        .selectAll()
        .execute();
      expect([lost, await auditOf(database)]).toEqual([[], []]);
    });
  });
}
