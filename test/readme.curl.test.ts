// The examples of the README and docs/services.md: by curl, by buf, and a service in Node.

import { resolve } from "node:path";
import { expect, test } from "vitest";
import { exampleOf, makeCheckout, makeNpx, runIn } from "./pages.ts";
import { DEFAULT_ALG, serve } from "./program.ts";

const login = exampleOf("README.md", "sh", "| curl");
const check = exampleOf("README.md", "sh", "/auth/check");
const SERVICES = "docs/services.md";

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
  expect(exampleOf(SERVICES, "sh", "/auth/check")).toBe(check);
});

test("buf curl logs in and asks the internal listener, and a service in Node checks a token", async () => {
  const checkout = makeCheckout();
  const gateway = await serve(resolve(checkout, "data"), { env: DEFAULT_ALG });
  const runExample = (code: string): Promise<string> => runIn(checkout, gateway, code);
  const login = await runExample(exampleOf("README.md", "sh", "buf curl"));
  expect(JSON.parse(login)).toEqual({ token: expect.stringMatching(/^eyJ/), expiresIn: 600 });
  const [reflection = "", health = ""] = exampleOf(SERVICES, "sh", "buf curl").split("\n");
  expect(await runExample(reflection)).toContain("countersign.admin.v1.AdminService");
  expect(await runExample(health)).toContain('"SERVING"');

  const call = `console.log(JSON.stringify(await checkToken("${JSON.parse(login).token}")));`;
  const script = `node --input-type=module - <<'END'\n${exampleOf(SERVICES, "js", "jwtVerify")}\n${call}\nEND\n`;
  expect(JSON.parse(await runExample(script))).toEqual({
    iss: expect.stringMatching(/^http:/),
    sub: expect.stringMatching(/^demo-/),
    aud: "devices",
    iat: expect.any(Number),
    exp: expect.any(Number),
    jti: expect.any(String),
    customer_id: expect.any(String),
  });
});
