// `npm run slow-database`: PostgreSQL answers two seconds late, is cut off and comes back, under load. Exits 1 over the bounds.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startPostgres } from "../postgres/server.ts";
import { runSlowDatabase } from "./slow.ts";

const MOST_MS = 1_200;
const MOST_RECOVERY_MS = 1_000;

const { values } = parseArgs({
  options: { rate: { type: "string", default: "300" }, seconds: { type: "string", default: "15" } },
});
const folder = mkdtempSync(join(tmpdir(), "countersign-slow-"));
const postgres = await startPostgres();
const ends: (() => Promise<void>)[] = [];
const { phases, recoveryMs, lines } = await runSlowDatabase({
  databaseUrl: postgres.url,
  folder,
  perSecond: Number(values.rate),
  seconds: Number(values.seconds),
  delayMs: 2_000,
  atEnd: (end) => ends.push(end),
});
for (const { name, logins, statuses, slowestMs, memoryMb } of phases) {
  const counts = JSON.stringify(statuses);
  process.stdout.write(
    `${name.padEnd(22)} ${logins} logins ${counts}, slowest ${slowestMs.toFixed(0)} ms, ${memoryMb.toFixed(0)} MB\n`,
  );
  if (slowestMs > MOST_MS) process.exitCode = 1;
}
process.stdout.write(`recovery ${recoveryMs.toFixed(0)} ms\nlog:\n${lines.map((line) => `  ${line}\n`).join("")}`);
if (recoveryMs > MOST_RECOVERY_MS) process.exitCode = 1;
for (const end of ends.reverse()) await end();
await postgres.stop();
rmSync(folder, { recursive: true, force: true });
