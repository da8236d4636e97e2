// `npm run slow-database [-- --rate 300 --seconds 15]`: PostgreSQL answers two seconds late, is cut off and comes back, under load.
// Exits 1 over the bounds.

import { mkdtempDisposableSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readNumbers, report } from "../long-run.ts";
import { startPostgres } from "../postgres/server.ts";
import { runSlowDatabase } from "./slow.ts";

const MOST_MS = 1_200;
const MOST_RECOVERY_MS = 1_000;

const number = readNumbers({ rate: 300, seconds: 15 });
await using cleanup = new AsyncDisposableStack();
const folder = cleanup.use(mkdtempDisposableSync(join(tmpdir(), "countersign-slow-")));
const postgres = await startPostgres();
cleanup.defer(() => postgres.stop());
const { phases, recoveryMs, lines } = await runSlowDatabase({
  databaseUrl: postgres.url,
  folder: folder.path,
  perSecond: number("rate"),
  seconds: number("seconds"),
  delayMs: 2_000,
});
for (const { name, logins, statuses, slowestMs, memoryMb } of phases) {
  const figures = `${logins} logins ${JSON.stringify(statuses)}, slowest ${slowestMs.toFixed(0)} ms, ${memoryMb.toFixed(0)} MB`;
  report(`${name.padEnd(22)} ${figures}`, [], slowestMs > MOST_MS);
}
report(`recovery ${recoveryMs.toFixed(0)} ms\nlog:`, [], recoveryMs > MOST_RECOVERY_MS);
for (const line of lines) report(`  ${line}`);
