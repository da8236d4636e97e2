// `npm run slow-database [-- --rate 300 --seconds 15]`: devices log in while PostgreSQL is slow, away and back. Exits 1 over the bounds.

import { mkdtempDisposableSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { NO_LIMITS, namedSettings, postLogin, signNow } from "../gateway.ts";
import { readNumbers, report } from "../long-run.ts";
import { sendAtRate } from "../pace.ts";
import { startPostgres } from "../postgres/server.ts";
import { linesOf, serve } from "../program.ts";
import { startRelay } from "../redis/relay.ts";

const MOST_MS = 1_200;
const MOST_RECOVERY_MS = 1_000;

/** Runs the phases: normal, slow, cut off, restored. `lines` are the log lines about the database. */
export async function runSlowDatabase(databaseUrl: string, rate: number, seconds: number) {
  await using cleanup = new AsyncDisposableStack();
  const { path: folder } = cleanup.use(mkdtempDisposableSync(join(tmpdir(), "countersign-slow-")));
  const relay = await startRelay(Number(new URL(databaseUrl).port));
  cleanup.defer(relay.stop);
  const proxied = Object.assign(new URL(databaseUrl), { port: String(relay.port) }).href;
  const env = namedSettings({ ...NO_LIMITS, DATA_DIR: folder, DATABASE_URL: proxied });
  const gateway = await serve(folder, { env }, [], (end) => cleanup.defer(end));

  /** The login of an unknown device: 401 shows that the database answers. */
  async function logIn(): Promise<{ readonly status: number; readonly ms: number }> {
    const began = performance.now();
    const answer = await postLogin(gateway.publicUrl, signNow("nobody"));
    await answer.arrayBuffer();
    return { status: answer.status, ms: performance.now() - began };
  }

  async function load(name: string) {
    using logins = sendAtRate(rate, logIn);
    await pause(seconds * 1_000);
    const answers = await logins.stop();
    const statuses = new Set(answers.map(({ status }) => status));
    const slowestMs = Math.max(...answers.map(({ ms }) => ms));
    const metrics = await (await fetch(new URL("/metrics", gateway.internalUrl))).text();
    const memoryMb = Number(/^process_resident_memory_bytes (\S+)$/m.exec(metrics)?.[1]) / 1e6;
    return { name, logins: answers.length, statuses: [...statuses], slowestMs, memoryMb };
  }

  /** Waits until the database answers a login. @returns the milliseconds that it took */
  async function waitForDatabase(): Promise<number> {
    const began = performance.now();
    while ((await logIn()).status !== 401) await pause(10);
    return performance.now() - began;
  }

  // On a busy machine the gateway's first connection for logins may take longer than a login waits.
  await waitForDatabase();
  const phases = [await load("normal")];
  relay.delay(2_000);
  phases.push(await load("two seconds late"));
  relay.refuse(true);
  relay.cut();
  phases.push(await load("cut off"));
  relay.refuse(false);
  relay.delay(0);
  const recoveryMs = await waitForDatabase();
  phases.push(await load("restored"));
  await gateway.end("SIGTERM");
  const lines = linesOf(gateway).filter(({ level }) => level >= 40);
  return { phases, recoveryMs, lines: lines.map(({ msg }) => msg) };
}

if (process.argv[1] === import.meta.filename) {
  const number = readNumbers({ rate: 300, seconds: 15 });
  const postgres = await startPostgres();
  const outcome = await runSlowDatabase(postgres.url, number("rate"), number("seconds")).finally(postgres.stop);
  for (const { name, logins, statuses, slowestMs, memoryMb } of outcome.phases) {
    const figures = `${logins} logins, ${statuses}, slowest ${slowestMs.toFixed(0)} ms, ${memoryMb.toFixed(0)} MB`;
    report(`${name}: ${figures}`, [], slowestMs > MOST_MS);
  }
  report(
    `back in ${outcome.recoveryMs.toFixed(0)} ms; log: ${outcome.lines}`,
    [],
    outcome.recoveryMs > MOST_RECOVERY_MS,
  );
}
