// The boards of a storm, in a process of their own: each logs in over new connections until it has a token.

import { logInAnew, pause } from "./board-login.ts";

export interface BoardsOrder {
  readonly url: string;
  readonly ca: string;
  readonly deviceKeys: readonly string[];
  /** The boards begin within this time, in seconds. */
  readonly withinSeconds: number;
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

async function runBoards({ url, ca, deviceKeys, withinSeconds }: BoardsOrder): Promise<BoardsReport> {
  const counts: Record<string, number> = {};
  const failures: Record<string, number> = {};
  const tokens: number[] = [];
  const started = performance.now();

  async function runBoard(deviceKey: string): Promise<void> {
    await pause(Math.random() * withinSeconds * 1_000);
    for (;;) {
      let waitMs = RETRY_MS;
      try {
        const { status, retryAfter, body } = await logInAnew(url, ca, deviceKey);
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

process.send?.("ready");
process.once("message", async (order: BoardsOrder) => {
  process.send?.(await runBoards(order));
  process.disconnect();
});
