// Several processes that start at once on one empty folder.

import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";

const PROCESSES = 8;

test.for([1, 2, 3, 4, 5])("eight processes agree on one signing key: round %s", { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "countersign-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const children = Array.from({ length: PROCESSES }, () => fork(new URL("open-ring.ts", import.meta.url)));
  // All are loaded before any starts: only then do they meet.
  await Promise.all(children.map((child) => once(child, "message")));
  const answers = await Promise.all(
    children.map(async (child) => {
      const answered = once(child, "message");
      const ended = once(child, "exit");
      child.send(join(folder, "countersign.db"));
      const [[answer]] = await Promise.all([answered, ended]);
      return answer;
    }),
  );
  const first = answers[0];
  expect(first).toEqual({ kid: expect.stringMatching(/^[\w-]{43}$/) });
  expect(answers).toEqual(Array(PROCESSES).fill(first));
});
