// A storm: boards that open new TLS connections within a few seconds, each in the loop of docs/devices.md until it has a token.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { BoardsReport, MeasureOrder, StormOrder } from "./boards.ts";
import { startSite } from "./site.ts";

export interface StormOptions {
  readonly boards: number;
  /** The boards begin within this time, in seconds. */
  readonly withinSeconds: number;
  /** Duration of each of the two measurements of the capacity, in seconds. */
  readonly measureSeconds: number;
  /** The boards' cores, in the form of taskset(1): real boards do not use the site's. Absent: the site's. */
  readonly boardsCores?: string;
}

export interface StormReport extends Omit<BoardsReport, "tokens"> {
  /** Logins a second over new connections, before the storm and after it, by the same boards. */
  readonly capacities: readonly [number, number];
  /** The mean of both. */
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
/** A rate of handshakes that no machine reaches, in place of a limit. */
const UNBOUNDED_RATE = 100_000;
/** Concurrent logins during the measurement of the capacity. */
const AT_ONCE = 64;

/** Runs a storm at two gateways behind HAProxy, which accepts handshakes at the site's capacity and queues ten seconds of them. */
export async function runStorm({
  boards,
  withinSeconds,
  measureSeconds,
  boardsCores,
}: StormOptions): Promise<StormReport> {
  await using cleanup = new AsyncDisposableStack();
  const site = await startSite({ devices: 2 * boards }, cleanup);
  const openAt = async (rate: number): Promise<string> => {
    const { url, close } = await site.openBalancer((text) =>
      text.replace(/maxsslrate \d+/, `maxsslrate ${rate}`).replace(/backlog \d+/, `backlog ${10 * rate}`),
    );
    cleanup.defer(close);
    return url;
  };
  const children = await Promise.all(
    Array.from({ length: Math.ceil(boards / BOARDS_EACH) }, () => startBoards(boardsCores, cleanup)),
  );
  /** Measures the login rate of a few boards over new connections. More boards would only wait. */
  const measureCapacity = async (url: string, seconds: number): Promise<number> => {
    const atOnce = Math.ceil(AT_ONCE / children.length);
    const rates = await sendAll<number>(children, (index) => ({
      url,
      atOnce,
      seconds,
      deviceKeys: site.deviceKeys.slice(boards).filter((_, at) => at % children.length === index),
    }));
    return rates.reduce((sum, rate) => sum + rate, 0);
  };

  const open = await openAt(UNBOUNDED_RATE);
  // Warms up the code of every process.
  await measureCapacity(open, measureSeconds / 3);
  const before = await measureCapacity(open, measureSeconds);
  const url = await openAt(Math.ceil(1.1 * before));
  const reports = await sendAll<BoardsReport>(children, (index) => ({
    url,
    withinSeconds,
    deviceKeys: site.deviceKeys.slice(0, boards).filter((_, at) => at % children.length === index),
  }));
  const after = await measureCapacity(open, measureSeconds);
  const tokens = reports.flatMap((report) => report.tokens).sort((one, other) => one - other);
  return {
    capacities: [before, after],
    capacity: (before + after) / 2,
    seconds: tokens.at(-1) ?? 0,
    goodput: slowestRate(tokens),
    counts: addUp(reports.map((report) => report.counts)),
    failures: addUp(reports.map((report) => report.failures)),
    withToken: tokens.length,
  };
}

/** Starts a process of boards, which loads its code before the storm. */
async function startBoards(cores: string | undefined, cleanup: AsyncDisposableStack): Promise<ChildProcess> {
  const pinned = cores === undefined ? {} : { execPath: "taskset", execArgv: ["-c", cores, process.execPath] };
  const child = fork(join(import.meta.dirname, "boards.ts"), pinned);
  cleanup.defer(() => child.disconnect());
  await once(child, "message");
  return child;
}

/** Sends each process its order. @returns their reports */
async function sendAll<Report>(
  children: readonly ChildProcess[],
  orderFor: (index: number) => StormOrder | MeasureOrder,
): Promise<Report[]> {
  return Promise.all(
    children.map(async (child, index) => {
      child.send(orderFor(index));
      const [report] = await once(child, "message");
      return report;
    }),
  );
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
