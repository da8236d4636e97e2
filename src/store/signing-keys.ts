// The signing keys' queries.

import { type Kysely, type Selectable, sql, type Transaction } from "kysely";
import type { PublicJwk } from "../core/ports.ts";
import type { NewSigningKey, SigningKey, SigningKeyState, SigningKeyStore, StoredKeys } from "../core/tokens/ports.ts";
import type { Database } from "./database.ts";
import { insertAuditEvents } from "./registry/audit.ts";
import type { Schema } from "./schema.ts";
import { type Sealer, signingKeyContext } from "./sealing.ts";

/** The order in which rows are written, so that two are never active or next at once. */
const STATES = ["retired", "revoked", "active", "next"] as const satisfies readonly SigningKeyState[];

const ERASED = Buffer.alloc(0);

/** The signing keys of one database. */
export function createSigningKeyStore(database: Database, sealer: Sealer): SigningKeyStore {
  async function read(db: Kysely<Schema>): Promise<StoredKeys> {
    const rows = await db.selectFrom("signing_keys").selectAll().orderBy("created_at", "desc").orderBy("kid").execute();
    const sealed = (kid: string) => {
      const row = rows.find((candidate) => candidate.kid === kid);
      if (row === undefined) throw new Error("there is no such signing key");
      return { bytes: row.sealed_private_key, context: signingKeyContext(kid, row.alg) };
    };
    return {
      keys: rows.map(keyOfRow),
      openPrivateKey(kid) {
        const { bytes, context } = sealed(kid);
        return sealer.open(bytes, context);
      },
    };
  }

  async function put(transaction: Transaction<Schema>, key: SigningKey | NewSigningKey): Promise<void> {
    const values = rowOfKey(key);
    const { kid, alg, state } = key;
    const signs = state === "active" || state === "next";
    // A key that no longer signs has no private half.
    const sealed = !signs
      ? ERASED
      : "privateKey" in key
        ? sealer.seal(key.privateKey, signingKeyContext(kid, alg))
        : undefined;
    if (sealed === undefined) {
      await transaction.updateTable("signing_keys").set(values).where("kid", "=", kid).execute();
      return;
    }
    const row = { ...values, sealed_private_key: sealed };
    await transaction
      .insertInto("signing_keys")
      .values({ kid, ...row })
      .onConflict((conflict) => conflict.column("kid").doUpdateSet(row))
      .execute();
  }

  return {
    read: () => database.read(read),

    change: (decide) =>
      database.write(async (transaction) => {
        // Serialises changes: the second sees the first. SQLite has one writer at a time anyway.
        if (database.dialect === "postgres") {
          await sql`lock table signing_keys in share row exclusive mode`.execute(transaction);
        }
        const change = decide(await read(transaction));
        if (change.remove.length > 0) {
          await transaction
            .deleteFrom("signing_keys")
            .where("kid", "in", [...change.remove])
            .execute();
        }
        for (const state of STATES) {
          for (const key of change.put) if (key.state === state) await put(transaction, key);
        }
        await insertAuditEvents(transaction, ...change.entries);
      }),
  };
}

function rowOfKey(key: SigningKey) {
  return {
    alg: key.alg,
    state: key.state,
    public_jwk: JSON.stringify(key.publicJwk),
    created_at: key.createdAt,
    activated_at: key.activatedAt ?? null,
    retired_at: key.retiredAt ?? null,
  };
}

function keyOfRow(row: Selectable<Schema["signing_keys"]>): SigningKey {
  const publicJwk: PublicJwk = JSON.parse(row.public_jwk);
  return {
    kid: row.kid,
    alg: row.alg,
    state: readState(row.state),
    publicJwk,
    createdAt: row.created_at,
    activatedAt: row.activated_at ?? undefined,
    retiredAt: row.retired_at ?? undefined,
  };
}

/** Reads a state; a constraint of the table allows no other. */
function readState(text: string): SigningKeyState {
  const state = STATES.find((candidate) => candidate === text);
  if (state === undefined) throw new TypeError(`a signing key has the state ${text}`);
  return state;
}
