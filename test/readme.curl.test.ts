// The README's curl example logs in, and its eleventh login in a minute gets 429.

import { expect, test } from "vitest";
import { makeNpx } from "./npx.ts";
import { examplesOf, runExample } from "./readme.ts";

const [example = ""] = examplesOf("sh").filter((code) => code.includes("| curl"));

test("curl", { timeout: 60_000 }, async () => {
  expect(JSON.parse(await runExample(example, "sh"))).toEqual({
    token: expect.stringMatching(/^eyJ/),
    expires_in: 600,
  });
});

test("the eleventh login in a minute", { timeout: 60_000 }, async () => {
  // Eleven times npm's own npx, which the other test starts, would be a matter of patience.
  const quick = `PATH=${makeNpx()}:$PATH`;
  const loop = `for n in 1 2 3 4 5 6 7 8 9 10 11; do ${example.trim()}; echo; done`;
  const output = await runExample(`set -e\n${quick}\n${loop}\n`, "sh");
  const reasons = output.split("\n").map((line) => JSON.parse(line).reason ?? "ok");
  expect(reasons).toEqual([...Array(10).fill("ok"), "rate_limited"]);
});
