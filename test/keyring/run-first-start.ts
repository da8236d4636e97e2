// `npm run first-start [-- --rounds 100 --processes 20]`: processes that start at once on an empty database. Exits 1 unless each
// round ends with one key.

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { TokenAlg } from "../../src/core/tokens/algorithms.ts";
import { onBothDatabases, readNumbers, report } from "../long-run.ts";
import { execute } from "../store/connections.ts";
import { agree, loadStarters } from "../store/start-together.ts";

const number = readNumbers({ rounds: 100, processes: 20 });
const [rounds, processes] = [number("rounds"), number("processes")];

/** RSA keys take the longest to generate, which leaves the most time for a race; a few such rounds are enough. */
const algOf = (round: number): TokenAlg => (round % 10 === 0 ? "RS256" : round % 2 === 0 ? "ES256" : "EdDSA");

await using starters = await loadStarters(processes);
await onBothDatabases(async (name, { DATA_DIR = "" }, server) => {
  const empty = async (): Promise<string> => {
    const database = `first_start_${randomBytes(8).toString("hex")}`;
    if (server === undefined) return join(DATA_DIR, `${database}.db`);
    await execute(server.url, `create database ${database}`);
    return Object.assign(new URL(server.url), { pathname: `/${database}` }).href;
  };
  const mistakes: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const answers = await starters.start(await empty(), algOf(round));
    if (!agree(answers)) mistakes.push(`round ${round}: ${JSON.stringify(answers)}`);
  }
  const agreed = rounds - mistakes.length;
  report(
    `${name}: ${processes} processes at once on an empty database, one kid in ${agreed} of ${rounds} rounds`,
    mistakes,
  );
});
