// The README's login by curl, and the check of its token.

import { resolve } from "node:path";
import { expect, test } from "vitest";
import { exampleOf, makeCheckout, makeNpx, runIn } from "./pages.ts";
import { DEFAULT_ALG, serve } from "./program.ts";

const login = exampleOf("README.md", "sh", "| curl");
const check = exampleOf("README.md", "sh", "/auth/check");
const checkOfServices = exampleOf("docs/services.md", "sh", "/auth/check");

test("curl logs in, and the gateway checks the token", async () => {
  const checkout = makeCheckout();
  const gateway = await serve(resolve(checkout, "data"), { env: DEFAULT_ALG });
  // First with npm's own npx, then with a quicker one.
  const first = await runIn(checkout, gateway, login);
  expect(JSON.parse(first)).toEqual({ token: expect.stringMatching(/^eyJ/), expires_in: 600 });
  const quick = `set -e\nPATH=${makeNpx()}:$PATH\n`;
  const url = "--demo --url http://127.0.0.1:8080";
  const checked = await runIn(checkout, gateway, quick + check.replace("--demo", url));
  expect(checked).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(checked).toMatch(/^X-Device-Key: demo-/m);
  expect(checkOfServices).toBe(check);
});
