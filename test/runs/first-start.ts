// `npm run first-start [-- --rounds 100 --processes 20]`: processes that start at once on an empty database. Exits 1 unless each
// round ends with one key. The processes run this module too.

import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import type { Environment } from "../../src/config.ts";
import { TOKEN_ALGS, type TokenAlg } from "../../src/core/tokens/algorithms.ts";
import { migrate } from "../../src/store/migrations.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { createSealer } from "../../src/store/sealing.ts";
import { createSigningKeyStore } from "../../src/store/signing-keys.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { openRing } from "../keyring/ring.ts";
import { onBothDatabases, type Result, readNumbers } from "../long-run.ts";
import { execute } from "../store/database.ts";

/** In each round, processes open the key ring of a new database. They start together, once all are loaded. */
export async function startTogether(
  processes: number,
  rounds: number,
  { DATA_DIR = "", DATABASE_URL: url }: Environment,
): Promise<Result> {
  const children = Array.from({ length: processes }, () => fork(import.meta.filename));
  await Promise.all(children.map((child) => once(child, "message")));
  const mistakes: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const name = `first_start_${randomBytes(8).toString("hex")}`;
    if (url !== undefined) await execute(url, `create database ${name}`);
    const location =
      url === undefined ? join(DATA_DIR, `${name}.db`) : Object.assign(new URL(url), { pathname: name }).href;
    const answers = children.map((child) => once(child, "message").then(([answer]) => answer));
    for (const child of children) child.send({ location, alg: TOKEN_ALGS[round % TOKEN_ALGS.length] });
    const found = await Promise.all(answers);
    if (!agree(found)) mistakes.push(`round ${round}: ${JSON.stringify(found)}`);
    if (url !== undefined) await execute(url, `drop database ${name} with (force)`);
  }
  const ends = children.map((child) => once(child, "exit"));
  for (const child of children) child.disconnect();
  await Promise.all(ends);
  return {
    line: `${processes} processes at once, one kid in ${rounds - mistakes.length} of ${rounds} rounds`,
    mistakes,
  };
}

/** Whether all have the same active key and the same two published keys. */
function agree(answers: readonly unknown[]): boolean {
  const { active, published } = Object(answers[0]);
  const isWhole = typeof active === "string" && Array.isArray(published) && published.length === 2;
  return isWhole && new Set(answers.map((answer) => JSON.stringify(answer))).size === 1;
}

/** Longer than a gateway's own timeout: twenty processes connect at once. */
const CONNECT_MS = 30_000;

/** Opens the key ring of a database, as a gateway does. @returns the `kid` of each key */
async function openKeys({ location, alg }: { readonly location: string; readonly alg: TokenAlg }) {
  const isUrl = location.startsWith("postgres:");
  const database = isUrl ? await openPostgres({ url: location, connectMs: CONNECT_MS }) : openSqlite(location);
  await migrate(database);
  const store = createSigningKeyStore(database, createSealer([Buffer.alloc(32, 1)]));
  const { active, published } = await openRing(store, { alg });
  await database.close();
  return { active: active()?.kid, published: published().map(({ kid }) => kid) };
}

if (process.argv[1] === import.meta.filename) {
  if (process.send === undefined) {
    const number = readNumbers({ rounds: 100, processes: 20 });
    await onBothDatabases((settings) => startTogether(number("processes"), number("rounds"), settings));
  } else {
    process.on("message", async (order: Parameters<typeof openKeys>[0]) => {
      process.send?.(await openKeys(order).catch(String));
    });
    process.send("loaded");
  }
}
