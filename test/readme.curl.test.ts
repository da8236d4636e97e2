// Runs the curl, buf and Node examples of README and docs/services.md.

import { resolve } from "node:path";
import { expect, test } from "vitest";
import { exampleOf, makeCheckout, makeNpx, runIn } from "./pages.ts";
import { DEFAULT_ALG, serve } from "./program.ts";

const login = exampleOf("README.md", "sh", "| curl");
const check = exampleOf("README.md", "sh", "/auth/check");
const SERVICES = "docs/services.md";

/** Starts a gateway in a checkout. @returns a function that runs a block there */
async function startCheckout() {
  const checkout = makeCheckout();
  const gateway = await serve(resolve(checkout, "data"), { env: DEFAULT_ALG });
  return (code: string) => runIn(checkout, gateway, code);
}

test("curl logs in, and the gateway checks the token", async () => {
  const runBlock = await startCheckout();
  // First with npm's own npx, then with a quicker one.
  expect(JSON.parse(await runBlock(login))).toEqual({ token: expect.stringMatching(/^eyJ/), expires_in: 600 });
  const quick = `set -e\nPATH=${makeNpx()}:$PATH\n`;
  const checked = await runBlock(quick + check.replace("--demo", "--demo --url http://127.0.0.1:8080"));
  expect(checked).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(checked).toMatch(/^X-Device-Key: demo-/m);
  expect(exampleOf(SERVICES, "sh", "/auth/check")).toBe(check);
});

test("buf curl logs in and asks the internal listener, and a service in Node checks a token", async () => {
  const runBlock = await startCheckout();
  const answer = JSON.parse(await runBlock(exampleOf("README.md", "sh", "buf curl")));
  expect(answer).toEqual({ token: expect.stringMatching(/^eyJ/), expiresIn: 600 });
  const [reflection = "", health = ""] = exampleOf(SERVICES, "sh", "buf curl").split("\n");
  expect(await runBlock(reflection)).toContain("countersign.admin.v1.AdminService");
  expect(await runBlock(health)).toContain('"SERVING"');

  const call = `console.log(JSON.stringify(await checkToken("${answer.token}")));`;
  const script = `node --input-type=module - <<'END'\n${exampleOf(SERVICES, "js", "jwtVerify")}\n${call}\nEND\n`;
  const claims = { sub: expect.stringMatching(/^demo-/), aud: "devices", customer_id: expect.any(String) };
  expect(JSON.parse(await runBlock(script))).toMatchObject(claims);
});
