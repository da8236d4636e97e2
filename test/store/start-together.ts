// Several processes that start at once on one empty database.

import { fork } from "node:child_process";
import { once } from "node:events";
import { expect } from "vitest";

const PROCESSES = 8;

/** `place`: a file, or a URL of PostgreSQL. All have to agree on one signing key. */
export async function startTogether(place: string): Promise<void> {
  const children = Array.from({ length: PROCESSES }, () => fork(new URL("open-ring.ts", import.meta.url)));
  // All are loaded before any starts: only then do they meet.
  await Promise.all(children.map((child) => once(child, "message")));
  const answers = await Promise.all(
    children.map(async (child) => {
      const answered = once(child, "message");
      const ended = once(child, "exit");
      child.send(place);
      const [[answer]] = await Promise.all([answered, ended]);
      return answer;
    }),
  );
  const first = answers[0];
  expect(first).toEqual({ kid: expect.stringMatching(/^[\w-]{43}$/) });
  expect(answers).toEqual(Array(PROCESSES).fill(first));
}
