// The README's and docs/services.md's examples for Node and buf.

import { resolve } from "node:path";
import { expect, test } from "vitest";
import { exampleOf, makeCheckout, runIn } from "./pages.ts";
import { DEFAULT_ALG, serve } from "./program.ts";

const SERVICES = "docs/services.md";

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
