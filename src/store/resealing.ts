// Sealing anew: rows that are sealed with another master key than the first, some at a time, while everyone goes on. Knows the
// schema and sealing.

import { setImmediate as letOthersGo } from "node:timers/promises";
import type { Transaction } from "kysely";
import type { SecretStore } from "../core/registry/record-ports.ts";
import { insertAuditEvent } from "./audit.ts";
import type { Database } from "./database.ts";
import { DECOY } from "./decoy.ts";
import type { Schema } from "./schema.ts";
import { customerKeyContext, signingKeyContext } from "./seal-contexts.ts";
import { SealError, type Sealer } from "./sealing.ts";

/** The most that one transaction seals anew. */
const BATCH = 200;
/** So many rows are looked at before others have their turn: logins wait for some milliseconds at most. */
const PAGE = 100;
/** So many are written before others have theirs. */
const WRITTEN_AT_ONCE = 20;

/** A secret as it was read. */
interface Sealed {
  readonly table: "customer_keys" | "signing_keys";
  readonly id: string;
  readonly context: readonly string[];
  readonly bytes: Uint8Array;
  /** Nobody needs it now. */
  readonly givenUp: boolean;
}

/** What a call has found so far. */
interface Findings {
  readonly resealed: (Sealed & { readonly next: Uint8Array })[];
  unopened: number;
}

/** `resealSome` of a SecretStore. */
export function createResealSome(database: Database, sealer: Sealer): SecretStore["resealSome"] {
  // Where the next call begins to look: it saves looking at the same rows in each, and says nothing of those before.
  let position = DECOY;

  function examine(row: Sealed, findings: Findings): void {
    if (sealer.sealedWithFirst(row.bytes)) return;
    try {
      const plaintext = sealer.open(row.bytes, row.context);
      findings.resealed.push({ ...row, next: sealer.seal(plaintext, row.context) });
      plaintext.fill(0);
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      // What is retired or lost and does not open was given up before, and nobody waits for it.
      if (!row.givenUp) findings.unopened++;
    }
  }

  /** Looks at the customer keys after `from`, up to `until`. @returns where it stopped, being full; undefined: at the end */
  async function look(from: string, until: string | undefined, findings: Findings): Promise<string | undefined> {
    let place = from;
    while (true) {
      const rows = await readCustomerKeys(database, place, until);
      for (const row of rows) {
        if (findings.resealed.length >= BATCH) return place;
        examine(row, findings);
        place = row.id;
      }
      if (rows.length < PAGE) return undefined;
      await letOthersGo();
    }
  }

  return async (describe) => {
    const findings: Findings = { resealed: [], unopened: 0 };
    for (const row of await readSigningKeys(database)) examine(row, findings);
    const start = position;
    const stopped =
      (await look(start, undefined, findings)) ?? (start === DECOY ? undefined : await look(DECOY, start, findings));
    const resealed = await database.write(async (transaction) => {
      let written = 0;
      for (const [place, row] of findings.resealed.entries()) {
        // SQLite holds up the whole process.
        if (place % WRITTEN_AT_ONCE === 0) await letOthersGo();
        written += await replace(transaction, row);
      }
      if (written > 0) await insertAuditEvent(transaction, describe(written));
      return written;
    });
    position = stopped ?? DECOY;
    return { resealed, unopened: findings.unopened, done: stopped === undefined };
  };
}

async function readCustomerKeys(database: Database, after: string, until: string | undefined): Promise<Sealed[]> {
  const rows = await database.read((db) => {
    const query = db
      .selectFrom("customer_keys")
      .select(["key_id", "customer_id", "purpose", "sealed_secret", "retired_at", "lost_at"])
      .where("key_id", ">", after)
      .orderBy("key_id")
      .limit(PAGE);
    return (until === undefined ? query : query.where("key_id", "<=", until)).execute();
  });
  return rows.map(({ key_id, customer_id, purpose, sealed_secret, retired_at, lost_at }) => ({
    table: "customer_keys",
    id: key_id,
    context: customerKeyContext(customer_id, key_id, purpose),
    bytes: sealed_secret,
    givenUp: retired_at !== null || lost_at !== null,
  }));
}

async function readSigningKeys(database: Database): Promise<Sealed[]> {
  const rows = await database.read((db) =>
    db.selectFrom("signing_keys").select(["kid", "alg", "state", "sealed_private_key"]).execute(),
  );
  return rows.map(({ kid, alg, state, sealed_private_key }) => ({
    table: "signing_keys",
    id: kid,
    context: signingKeyContext(kid, alg),
    bytes: sealed_private_key,
    givenUp: state !== "active" && state !== "next",
  }));
}

/** @returns 1; 0 where it is not what was read any more */
async function replace(
  transaction: Transaction<Schema>,
  { table, id, bytes, next }: Findings["resealed"][number],
): Promise<number> {
  const { numUpdatedRows } =
    table === "customer_keys"
      ? await transaction
          .updateTable("customer_keys")
          .set({ sealed_secret: next })
          .where("key_id", "=", id)
          .where("sealed_secret", "=", bytes)
          .executeTakeFirst()
      : await transaction
          .updateTable("signing_keys")
          .set({ sealed_private_key: next })
          .where("kid", "=", id)
          .where("sealed_private_key", "=", bytes)
          .executeTakeFirst();
  return Number(numUpdatedRows);
}
