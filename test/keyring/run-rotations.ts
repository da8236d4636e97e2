// `npm run key-rotations [-- --rotations 100 --rate 30]`: signing keys that rotate while tokens are issued and checked. Exits 1 when
// a check failed, or more than a few came too late.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startPostgres } from "../postgres/server.ts";
import { runRotations } from "./rotations.ts";

const { values } = parseArgs({
  options: { rotations: { type: "string", default: "100" }, rate: { type: "string", default: "30" } },
});
const folder = mkdtempSync(join(tmpdir(), "countersign-rotations-"));
const postgres = await startPostgres();

for (const [name, settings] of [
  ["SQLite, RS256", { DATA_DIR: folder }],
  ["PostgreSQL, RS256", { DATABASE_URL: postgres.url }],
] as const) {
  const started = performance.now();
  const report = await runRotations({ rotations: Number(values.rotations), rate: Number(values.rate), settings });
  const { rotations, tokens, checks, late, failed, fetches } = report;
  const seconds = Math.round((performance.now() - started) / 1_000);
  process.stdout.write(
    `${name}, 3 gateways, 2 offline verifiers: ${rotations} rotations in ${seconds} s, ${tokens} tokens issued, ${checks} checks, ` +
      `${failed.length} failed, ${late} too late to tell, the keys fetched ${fetches} times\n`,
  );
  for (const text of new Set(failed)) process.stdout.write(`  ${text}\n`);
  if (failed.length > 0) process.exitCode = 1;
}
await postgres.stop();
rmSync(folder, { recursive: true, force: true });
