// A process of its own that opens the key ring of the database it is named, when told to, and tells the kid.

import { openKeyRing } from "../../src/core/tokens/keyring.ts";
import { migrate } from "../../src/store/migrations.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { createSealer } from "../../src/store/sealing.ts";
import { createSigningKeyStore } from "../../src/store/signing-keys.ts";
import { openSqlite } from "../../src/store/sqlite.ts";

process.send?.("loaded");
process.once("message", async (place: string) => {
  try {
    const database = place.startsWith("postgres:") ? await openPostgres({ url: place }) : openSqlite(place);
    await migrate(database);
    const store = createSigningKeyStore(database, createSealer([Buffer.alloc(32, 1)]));
    const { active } = await openKeyRing(store, "RS256", 1_764_000_000_000);
    await database.close();
    process.send?.({ kid: active()?.kid });
  } catch (error) {
    process.send?.({ error: String(error) });
  }
  process.disconnect();
});
