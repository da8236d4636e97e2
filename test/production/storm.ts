// A storm: boards that connect anew over TLS within a few seconds, each in the loop of docs/devices.md until it has a token.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { logInAnew, pause } from "./board-login.ts";
import type { BoardsOrder, BoardsReport } from "./boards.ts";
import { startLoad } from "./load.ts";
import { type Site, startSite } from "./site.ts";

export interface StormOptions {
  readonly boards: number;
  /** The boards begin within this time, in seconds. */
  readonly withinSeconds: number;
  /** For the measure of the capacity, in seconds. */
  readonly measureSeconds: number;
}

export interface StormReport extends Omit<BoardsReport, "tokens"> {
  /** Logins a second over new connections, with 64 boards at once. */
  readonly capacity: number;
  /** Seconds until the last board had its token. */
  readonly seconds: number;
  /** Tokens a second in the slowest five seconds, from the first token until nine boards in ten have theirs. */
  readonly goodput: number;
  readonly withToken: number;
}

/** Boards of one process, which has a limit of open files. */
const BOARDS_EACH = 5_000;
const WINDOW_SECONDS = 5;

/** Runs a storm at two gateways behind HAProxy, which takes no more handshakes a second than the site can; ten seconds of them may wait. */
export async function runStorm({ boards, withinSeconds, measureSeconds }: StormOptions): Promise<StormReport> {
  await using cleanup = new AsyncDisposableStack();
  const site = await startSite({ devices: 2 * boards }, cleanup);
  const capacity = await measureCapacity(site, site.deviceKeys.slice(boards), measureSeconds);
  const rate = Math.ceil(1.1 * capacity);
  const { url, ca, close } = await site.openBalancer((text) =>
    text.replace(/maxsslrate \d+/, `maxsslrate ${rate}`).replace(/backlog \d+/, `backlog ${10 * rate}`),
  );
  cleanup.defer(close);

  const children = await Promise.all(Array.from({ length: Math.ceil(boards / BOARDS_EACH) }, startBoards));
  const reports = await Promise.all(
    children.map((child, place) => {
      const deviceKeys = site.deviceKeys.slice(place * BOARDS_EACH, Math.min(boards, (place + 1) * BOARDS_EACH));
      return sendBoards(child, { url, ca, deviceKeys, withinSeconds });
    }),
  );
  const tokens = reports.flatMap((report) => report.tokens).sort((one, other) => one - other);
  return {
    capacity,
    seconds: tokens.at(-1) ?? 0,
    goodput: slowestRate(tokens),
    counts: addUp(reports.map((report) => report.counts)),
    failures: addUp(reports.map((report) => report.failures)),
    withToken: tokens.length,
  };
}

/** Its code is loaded before the storm begins. */
async function startBoards(): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, "boards.ts"));
  await once(child, "message");
  return child;
}

async function sendBoards(child: ChildProcess, order: BoardsOrder): Promise<BoardsReport> {
  child.send(order);
  const [report] = await once(child, "message");
  return report;
}

/** The best rate at which 64 boards log in over new connections, one after the other. */
async function measureCapacity(
  { balancer, deviceKeys: all }: Site,
  deviceKeys: readonly string[],
  seconds: number,
): Promise<number> {
  // The code of every process is compiled before the measure.
  const warm = startLoad({ ...balancer, deviceKeys: all, connections: 16 });
  await pause((seconds / 3) * 1_000);
  await warm.stop();
  let answered = 0;
  let next = 0;
  const until = performance.now() + seconds * 1_000;
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      while (performance.now() < until) {
        const { status } = await logInAnew(balancer.url, balancer.ca, deviceKeys[next++ % deviceKeys.length] ?? "");
        if (status === 200) answered++;
      }
    }),
  );
  return answered / seconds;
}

function slowestRate(tokens: readonly number[]): number {
  const last = tokens[Math.floor(tokens.length * 0.9)] ?? 0;
  let slowest = Number.POSITIVE_INFINITY;
  for (let from = tokens[0] ?? 0; from + WINDOW_SECONDS <= last; from += 0.5) {
    slowest = Math.min(
      slowest,
      tokens.filter((at) => at >= from && at < from + WINDOW_SECONDS).length / WINDOW_SECONDS,
    );
  }
  return slowest === Number.POSITIVE_INFINITY ? tokens.length / (tokens.at(-1) ?? 1) : slowest;
}

function addUp(records: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const [name, count] of records.flatMap(Object.entries<number>)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}
