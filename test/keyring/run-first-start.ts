// `npm run first-start [-- --rounds 100 --processes 20 --on postgres]`: processes that start at once on an empty database. Exits 1 unless each
// round ends with one key.

import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Client } from "pg";
import type { TokenAlg } from "../../src/core/tokens/algorithms.ts";
import { startPostgres } from "../postgres/server.ts";
import { agree, loadStarters } from "../store/start-together.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "100" },
    processes: { type: "string", default: "20" },
    on: { type: "string" },
  },
});
const rounds = Number(values.rounds);
const processes = Number(values.processes);
const folder = mkdtempSync(join(tmpdir(), "countersign-first-start-"));
const postgres = await startPostgres();
const admin = new Client({ connectionString: postgres.url });
await admin.connect();

async function emptyPostgres(): Promise<string> {
  const name = `first_start_${randomBytes(8).toString("hex")}`;
  await admin.query(`create database ${name}`);
  return Object.assign(new URL(postgres.url), { pathname: `/${name}` }).href;
}

/** RSA keys take the longest to make, and so leave the most time to meet in; a few rounds of them are enough. */
const algOf = (round: number): TokenAlg => (round % 10 === 0 ? "RS256" : round % 2 === 0 ? "ES256" : "EdDSA");

const starters = await loadStarters(processes);
for (const { on, name, empty } of [
  { on: "sqlite", name: "SQLite", empty: async () => join(folder, `${randomBytes(8).toString("hex")}.db`) },
  { on: "postgres", name: "PostgreSQL", empty: emptyPostgres },
]) {
  if (values.on !== undefined && values.on !== on) continue;
  let agreed = 0;
  for (let round = 0; round < rounds; round++) {
    const answers = await starters.start(await empty(), algOf(round));
    if (agree(answers)) agreed++;
    else process.stdout.write(`  round ${round}: ${JSON.stringify(answers)}\n`);
  }
  process.stdout.write(
    `${name}: ${processes} processes at once on an empty database, one kid ${agreed} times of ${rounds}\n`,
  );
  if (agreed < rounds) process.exitCode = 1;
}
await starters.close();
await admin.end();
await postgres.stop();
rmSync(folder, { recursive: true, force: true });
