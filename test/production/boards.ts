// The boards of a storm, in a process of their own: each logs in over new connections until it has a token.

import { createLogInAnew, pause } from "./board-login.ts";

/** All boards at once. */
export interface StormOrder {
  readonly url: string;
  readonly deviceKeys: readonly string[];
  /** The boards begin within this time, in seconds. */
  readonly withinSeconds: number;
}

/** A few boards, one after the other. */
export interface MeasureOrder {
  readonly url: string;
  readonly deviceKeys: readonly string[];
  readonly atOnce: number;
  readonly seconds: number;
}

export interface BoardsReport {
  /** When each token came, in seconds since the order. */
  readonly tokens: readonly number[];
  /** Answers by status. */
  readonly counts: Readonly<Record<string, number>>;
  /** Tries without an answer, by the code of their error: the board tries again. */
  readonly failures: Readonly<Record<string, number>>;
}

/** A try that was not answered is repeated after this time. */
const RETRY_MS = 5_000;

async function runStorm({ url, deviceKeys, withinSeconds }: StormOrder): Promise<BoardsReport> {
  const logInAnew = createLogInAnew(url);
  const counts: Record<string, number> = {};
  const failures: Record<string, number> = {};
  const tokens: number[] = [];
  const started = performance.now();

  async function runBoard(deviceKey: string): Promise<void> {
    await pause(Math.random() * withinSeconds * 1_000);
    for (;;) {
      let waitMs = RETRY_MS;
      try {
        const { status, retryAfter, body } = await logInAnew(deviceKey);
        counts[status] = (counts[status] ?? 0) + 1;
        if (status === 200 && body.includes('"token"')) {
          tokens.push((performance.now() - started) / 1_000);
          return;
        }
        waitMs = retryAfter * 1_000;
      } catch (error) {
        const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
        failures[code] = (failures[code] ?? 0) + 1;
      }
      // A random part of up to a quarter, as docs/devices.md says.
      await pause(waitMs * (1 + Math.random() / 4));
    }
  }

  await Promise.all(deviceKeys.map(runBoard));
  return { tokens, counts, failures };
}

/** @returns tokens a second */
async function measureRate({ url, deviceKeys, atOnce, seconds }: MeasureOrder): Promise<number> {
  const logInAnew = createLogInAnew(url);
  let tokens = 0;
  let next = 0;
  const until = performance.now() + seconds * 1_000;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (;;) {
        const { status } = await logInAnew(deviceKeys[next++ % deviceKeys.length] ?? "");
        if (performance.now() > until) return;
        if (status === 200) tokens++;
      }
    }),
  );
  return tokens / seconds;
}

process.send?.("ready");
process.on("message", async (order: StormOrder | MeasureOrder) => {
  process.send?.("atOnce" in order ? await measureRate(order) : await runStorm(order));
});
