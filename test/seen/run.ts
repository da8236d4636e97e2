// `npm run seen`: how soon another gateway acts on a change. Exits 1 when that took over a second.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "../postgres/server.ts";
import { measureSeen } from "./seen.ts";
import { measureTokensSeen } from "./seen-tokens.ts";

const MOST_MS = 1_000;

const folder = mkdtempSync(join(tmpdir(), "countersign-seen-"));
const postgres = await startPostgres();
for (const [name, settings] of [
  ["SQLite", { DATA_DIR: folder }],
  ["PostgreSQL", { DATABASE_URL: postgres.url }],
] as const) {
  process.stdout.write(`${name}:\n`);
  for (const { name: change, ms } of [...(await measureSeen(settings)), ...(await measureTokensSeen(settings))]) {
    process.stdout.write(`  ${change.padEnd(40)} ${ms.toFixed(0)} ms\n`);
    if (ms > MOST_MS) process.exitCode = 1;
  }
}
await postgres.stop();
rmSync(folder, { recursive: true, force: true });
