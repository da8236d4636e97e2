// The claims of docs/verify.md hold.

import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fencesIn } from "../pages.ts";

const page = readFileSync("docs/verify.md", "utf8");

test("the page's Express service is the example", () => {
  const example = readFileSync("examples/verify-express.ts", "utf8");
  expect(fencesIn(page, "ts")).toContain(example.slice(example.indexOf("\n") + 1));
});

test("each framework of the page is exported and has an example", () => {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
  const frameworks = Object.keys(exports).flatMap((name) => /^\.\/verify\/(.+)$/.exec(name)?.[1] ?? []);
  expect(frameworks.length).toBe(5);
  for (const name of frameworks) {
    expect([name, page.includes(`| \`${name}\` |`) || page.includes(`countersign/verify/${name}"`)]).toEqual([
      name,
      true,
    ]);
  }
  expect(globSync("examples/verify-*.ts").sort()).toEqual(
    frameworks.map((name) => `examples/verify-${name}.ts`).sort(),
  );
});
