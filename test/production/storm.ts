// Runs a storm: many boards log in within a few seconds.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { BoardsOrder, BoardsReport } from "./boards.ts";
import { startSite } from "./site.ts";

export interface StormOptions {
  readonly boards: number;
  /** The boards begin within this time. */
  readonly withinSeconds: number;
  /** Number of logins of each of the two measurements of the capacity. */
  readonly measuredLogins: number;
  /** The boards' cores, in the form of taskset(1): real boards do not use the site's. Absent: the site's. */
  readonly boardsCores?: string;
}

/** Boards of one process, which has a limit of open files. */
const BOARDS_EACH = 5_000;
const WINDOW_SECONDS = 5;
/** A rate of handshakes that no machine reaches, in place of a limit. */
const UNBOUNDED_RATE = 100_000;
/** Concurrent logins during the measurement of the capacity. More would only wait. */
const AT_ONCE = 64;

/** Runs a storm at two gateways behind HAProxy, which accepts handshakes at the site's capacity and queues ten seconds of them. */
export async function runStorm({ boards, withinSeconds, measuredLogins, boardsCores }: StormOptions) {
  await using cleanup = new AsyncDisposableStack();
  const { deviceKeys, openBalancer } = await startSite({ devices: boards + measuredLogins }, cleanup);
  const openAt = async (rate: number): Promise<string> => {
    const { url } = await openBalancer((text) =>
      text.replace(/maxsslrate \d+/, `maxsslrate ${rate}`).replace(/backlog \d+/, `backlog ${10 * rate}`),
    );
    return url;
  };
  const processes = Math.ceil(boards / BOARDS_EACH);
  const children = await Promise.all(Array.from({ length: processes }, () => startBoards(boardsCores, cleanup)));
  /** Gives each process its part of the devices. @returns their reports, with the times of tokens in order */
  const send = (order: Omit<BoardsOrder, "deviceKeys">, devices: readonly string[]): Promise<BoardsReport[]> =>
    Promise.all(
      children.map(async (child, index) => {
        child.send({ ...order, deviceKeys: devices.filter((_, at) => at % processes === index) });
        const [report] = await once(child, "message");
        return report;
      }),
    );
  /** @returns logins a second over new connections */
  const measureCapacity = async (url: string, logins: number): Promise<number> => {
    const order = { url, withinSeconds: 0, atOnce: Math.ceil(AT_ONCE / processes) };
    const reports = await send(order, deviceKeys.slice(boards, boards + logins));
    return reports.reduce((sum, { tokens }) => sum + rateOf(tokens), 0);
  };

  const open = await openAt(UNBOUNDED_RATE);
  // Warms up the code of every process.
  await measureCapacity(open, measuredLogins / 3);
  const before = await measureCapacity(open, measuredLogins);
  const order = { url: await openAt(Math.ceil(1.1 * before)), withinSeconds, atOnce: BOARDS_EACH };
  const reports = await send(order, deviceKeys.slice(0, boards));
  const after = await measureCapacity(open, measuredLogins);
  const tokens = reports.flatMap((report) => report.tokens).sort((one, other) => one - other);
  const answers: Record<string, number> = {};
  for (const answer of reports.flatMap((report) => report.answers)) answers[answer] = (answers[answer] ?? 0) + 1;
  return {
    /** The capacity before the storm and after it, by the same boards. */
    before,
    after,
    /** Seconds until the last board had its token. */
    seconds: tokens.at(-1) ?? 0,
    goodput: slowestRate(tokens),
    withToken: tokens.length,
    /** Number of each status, and of each error of attempts without an answer. */
    answers,
    /** Statuses that no board should get. */
    foreign: Object.keys(answers).filter((answer) => /^\d/.test(answer) && !["200", "429", "503"].includes(answer)),
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

/** Tokens a second until nine boards in ten have theirs: one that has to retry does not count. */
function rateOf(tokens: readonly number[]): number {
  const count = Math.ceil(tokens.length * 0.9);
  return count / (tokens[count - 1] ?? Number.NaN);
}

/** Tokens a second in the slowest five seconds, from the first token until nine boards in ten have theirs. */
function slowestRate(tokens: readonly number[]): number {
  const last = tokens[Math.floor(tokens.length * 0.9)] ?? 0;
  const rates: number[] = [];
  for (let from = tokens[0] ?? 0; from + WINDOW_SECONDS <= last; from += 0.5) {
    rates.push(tokens.filter((at) => at >= from && at < from + WINDOW_SECONDS).length / WINDOW_SECONDS);
  }
  return rates.length === 0 ? rateOf(tokens) : Math.min(...rates);
}
