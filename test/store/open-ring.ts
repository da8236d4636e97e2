// A process of its own that opens the key ring of the database it is named, when told to, and tells the kid.

import { openKeyRing } from "../../src/core/tokens/keyring.ts";
import { migrate } from "../../src/store/migrations.ts";
import { createSealer } from "../../src/store/sealing.ts";
import { createStore } from "../../src/store/sql.ts";
import { openSqlite } from "../../src/store/sqlite.ts";

process.send?.("loaded");
process.once("message", async (path: string) => {
  try {
    const db = openSqlite(path);
    await migrate(db);
    const { active } = await openKeyRing(
      createStore(db, createSealer(Buffer.alloc(32, 1))),
      "RS256",
      1_764_000_000_000,
    );
    await db.destroy();
    process.send?.({ kid: active()?.kid });
  } catch (error) {
    process.send?.({ error: String(error) });
  }
  process.disconnect();
});
