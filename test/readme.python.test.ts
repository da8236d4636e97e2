// The README's Python example logs in.

import { expect, test } from "vitest";
import { examplesOf, runExample } from "./readme.ts";

const [example = ""] = examplesOf("python");

test("Python", { timeout: 60_000 }, async () => {
  expect(await runExample(example, "/usr/bin/python3", "-")).toMatch(/^eyJ/);
});

test("Python tells what the gateway says of a mistake", { timeout: 60_000 }, async () => {
  const late = example.replace("time.time()", "0");
  await expect(runExample(late, "/usr/bin/python3", "-")).rejects.toThrow('"reason":"clock_skew"');
});
