// Several processes that open the key ring of one empty database at once.

import { fork } from "node:child_process";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { TOKEN_ALGS, type TokenAlg } from "../../src/core/tokens/algorithms.ts";

export interface Starters {
  /** Makes all processes open the ring of `location`, a file or a PostgreSQL URL. @returns their answers */
  start(location: string, alg: TokenAlg): Promise<readonly unknown[]>;
  close(): Promise<void>;
}

/** Loads the processes. They start together, once all are loaded. */
export async function loadStarters(processes: number): Promise<Starters> {
  const children = Array.from({ length: processes }, () => fork(new URL("open-ring.ts", import.meta.url)));
  await Promise.all(children.map((child) => once(child, "message")));
  return {
    start: (location, alg) =>
      Promise.all(
        children.map(async (child) => {
          const answered = once(child, "message");
          child.send({ location, alg });
          const [answer] = await answered;
          return answer;
        }),
      ),
    async close() {
      await Promise.all(
        children.map(async (child) => {
          const ended = once(child, "exit");
          child.disconnect();
          await ended;
        }),
      );
    },
  };
}

/** The contract of a first start. `empty` makes a database and returns its location. */
export function firstStartContract(empty: () => Promise<string>): void {
  test("eight processes agree on one signing key, round after round", async () => {
    const starters = await loadStarters(8);
    onTestFinished(starters.close);
    for (const alg of TOKEN_ALGS) expect(await starters.start(await empty(), alg)).toSatisfy(agree);
  });
}

/** Whether all have the same active key and the same two published keys. */
export function agree(answers: readonly unknown[]): boolean {
  const [first] = answers;
  if (typeof first !== "object" || first === null || !("active" in first) || !("published" in first)) return false;
  const isWhole = typeof first.active === "string" && Array.isArray(first.published) && first.published.length === 2;
  return isWhole && new Set(answers.map((answer) => JSON.stringify(answer))).size === 1;
}
