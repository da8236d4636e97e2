// The findings are a closed set: each is made somewhere, and tested.

import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FINDING_CODES } from "../../../src/core/explain/findings.ts";

test("there is no finding that nothing leads to", () => {
  const files = globSync(["src/core/explain.ts", "src/core/explain/*.ts"]).filter(
    (file) => !file.endsWith("/findings.ts"),
  );
  const source = files.map((file) => readFileSync(file, "utf8")).join("\n");
  expect(FINDING_CODES.filter((code) => !source.includes(`"${code}"`))).toEqual([]);
});

test("there is no finding that no test names", () => {
  const tests = globSync("test/core/explain{.test.ts,/*.ts}")
    .filter((file) => !file.endsWith("/findings.test.ts"))
    .map((file) => readFileSync(file, "utf8"))
    .join("\n");
  expect(FINDING_CODES.filter((code) => !tests.includes(`"${code}"`))).toEqual([]);
});
