// Several processes that open the key ring of one empty database at once.

import { fork } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { TOKEN_ALGS, type TokenAlg } from "../../src/core/tokens/algorithms.ts";

export interface Starters extends AsyncDisposable {
  /** Makes all processes open the ring of `location`, a file or a PostgreSQL URL. @returns their answers */
  start(location: string, alg: TokenAlg): Promise<readonly unknown[]>;
}

/** Loads the processes. They start together, once all are loaded. */
export async function loadStarters(processes: number): Promise<Starters> {
  const children = Array.from({ length: processes }, () => fork(new URL("open-ring.ts", import.meta.url)));
  await Promise.all(children.map((child) => once(child, "message")));
  return {
    start(location, alg) {
      const answers = children.map((child) => once(child, "message").then(([answer]) => answer));
      for (const child of children) child.send({ location, alg });
      return Promise.all(answers);
    },
    async [Symbol.asyncDispose]() {
      const ends = children.map((child) => once(child, "exit"));
      for (const child of children) child.disconnect();
      await Promise.all(ends);
    },
  };
}

/** The contract of a first start. `empty` makes a database and returns its location. */
export function firstStartContract(empty: () => Promise<string>): void {
  test("eight processes agree on one signing key, round after round", async () => {
    await using starters = await loadStarters(8);
    for (const alg of TOKEN_ALGS) expect(await starters.start(await empty(), alg)).toSatisfy(agree);
  });
}

/** Whether all have the same active key and the same two published keys. */
export function agree(answers: readonly unknown[]): boolean {
  const { active, published } = Object(answers[0]);
  const isWhole = typeof active === "string" && Array.isArray(published) && published.length === 2;
  return isWhole && new Set(answers.map((answer) => JSON.stringify(answer))).size === 1;
}
