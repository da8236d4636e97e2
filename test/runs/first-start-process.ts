// A process that opens the key ring of each database that it is told, and sends back the `kid` of each key.

import type { TokenAlg } from "../../src/core/tokens/algorithms.ts";
import { migrate } from "../../src/store/migrations.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { createSealer } from "../../src/store/sealing.ts";
import { createSigningKeyStore } from "../../src/store/signing-keys.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { openRing } from "../keyring/ring.ts";

/** Longer than a gateway's own timeout: twenty processes connect at once. */
const CONNECT_MS = 30_000;

async function openKeys(location: string, alg: TokenAlg) {
  const isUrl = location.startsWith("postgres:");
  const database = isUrl ? await openPostgres({ url: location, connectMs: CONNECT_MS }) : openSqlite(location);
  await migrate(database);
  const store = createSigningKeyStore(database, createSealer([Buffer.alloc(32, 1)]));
  const { active, published } = await openRing(store, { alg });
  await database.close();
  return { active: active()?.kid, published: published().map(({ kid }) => kid) };
}

process.send?.("loaded");
process.on("message", async ({ location, alg }: { location: string; alg: TokenAlg }) => {
  process.send?.(await openKeys(location, alg).catch(String));
});
