// The README's Node and buf examples log in.

import { expect, test } from "vitest";
import { examplesOf, runExample } from "./readme.ts";

test("Node", { timeout: 60_000 }, async () => {
  const [example = ""] = examplesOf("js");
  expect(await runExample(example, process.execPath, "--input-type=module", "-")).toMatch(/^eyJ/);
});

test("buf curl", { timeout: 60_000 }, async () => {
  const [example = ""] = examplesOf("sh").filter((code) => code.includes("buf curl"));
  expect(JSON.parse(await runExample(example, "sh"))).toEqual({ token: expect.stringMatching(/^eyJ/), expiresIn: 600 });
});
