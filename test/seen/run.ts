// `npm run seen`: changes at one gateway, and the very next login or check at another. Exits 1 when one was stale.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startPostgres } from "../postgres/server.ts";
import { countStale } from "./seen.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "1000" }, only: { type: "string", default: "" } },
});

const folder = mkdtempSync(join(tmpdir(), "countersign-seen-"));
const postgres = await startPostgres();
for (const [name, settings] of [
  ["SQLite", { DATA_DIR: folder }],
  ["PostgreSQL", { DATABASE_URL: postgres.url }],
] as const) {
  if (values.only !== "" && values.only !== name) continue;
  process.stdout.write(`${name}:\n`);
  for (const { change, changes, stale } of await countStale(settings, Number(values.rounds))) {
    process.stdout.write(`  ${change.padEnd(34)} ${changes} times, ${stale} stale\n`);
    if (stale > 0) process.exitCode = 1;
  }
}
await postgres.stop();
rmSync(folder, { recursive: true, force: true });
