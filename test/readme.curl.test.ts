// The README's login by curl; the eleventh in a minute gets 429; its token passes /auth/check.

import { expect, test } from "vitest";
import { makeNpx } from "./npx.ts";
import { exampleOf, runExample } from "./pages.ts";

const login = exampleOf("README.md", "sh", "| curl");
const check = exampleOf("README.md", "sh", "/auth/check");
/** npm's own npx takes half a second. */
const quick = (): string => `set -e\nPATH=${makeNpx()}:$PATH\n`;

test("curl logs in by npm's own npx", { timeout: 60_000 }, async () => {
  expect(JSON.parse(await runExample(login, "sh"))).toEqual({ token: expect.stringMatching(/^eyJ/), expires_in: 600 });
});

test("the eleventh login in a minute is refused", { timeout: 60_000 }, async () => {
  const loop = `for n in 1 2 3 4 5 6 7 8 9 10 11; do ${login.trim()}; echo; done`;
  const output = await runExample(`${quick()}${loop}\n`, "sh");
  const reasons = output.split("\n").map((line) => JSON.parse(line).reason ?? "ok");
  expect(reasons).toEqual([...Array(10).fill("ok"), "rate_limited"]);
});

test("the gateway checks the token", { timeout: 60_000 }, async () => {
  const output = await runExample(quick() + check.replace("--demo", "--demo --url http://127.0.0.1:8080"), "sh");
  expect(output).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(output).toMatch(/^X-Device-Key: demo-/m);
});
