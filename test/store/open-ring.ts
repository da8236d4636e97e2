// A process that opens, for each message, the key ring of the database that the message names, and sends back the `kid` of each key.

import type { TokenAlg } from "../../src/core/tokens/algorithms.ts";
import { migrate } from "../../src/store/migrations.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { createSealer } from "../../src/store/sealing.ts";
import { createSigningKeyStore } from "../../src/store/signing-keys.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { openRing } from "../keyring/ring.ts";

/** Longer than a gateway's own timeout: twenty processes connect at once. */
const CONNECT_MS = 30_000;

process.send?.("loaded");
process.on("message", async ({ location, alg }: { location: string; alg: TokenAlg }) => {
  try {
    const database = location.startsWith("postgres:")
      ? await openPostgres({ url: location, connectMs: CONNECT_MS })
      : openSqlite(location);
    await migrate(database);
    const store = createSigningKeyStore(database, createSealer([Buffer.alloc(32, 1)]));
    const { active, published } = await openRing(store, { alg });
    await database.close();
    process.send?.({ active: active()?.kid, published: published().map(({ kid }) => kid) });
  } catch (error) {
    process.send?.({ error: String(error) });
  }
});
