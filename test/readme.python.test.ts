// The README's Python example logs in.

import { expect, test } from "vitest";
import { examplesOf, runExample } from "./readme.ts";

test("Python", { timeout: 60_000 }, async () => {
  const [example = ""] = examplesOf("python");
  expect(await runExample(example, "/usr/bin/python3", "-")).toMatch(/^eyJ/);
});
