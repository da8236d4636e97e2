// The README's and docs/services.md's examples for Node and buf.

import { expect, test } from "vitest";
import { exampleOf, runExample } from "./pages.ts";

const SERVICES = "docs/services.md";

test("buf curl logs in over Connect", { timeout: 60_000 }, async () => {
  const example = exampleOf("README.md", "sh", "buf curl");
  expect(JSON.parse(await runExample(example, "sh"))).toEqual({ token: expect.stringMatching(/^eyJ/), expiresIn: 600 });
});

test("a service in Node checks a token", { timeout: 60_000 }, async () => {
  const script = `${exampleOf(SERVICES, "js", "jwtVerify")}
import { execFileSync } from "node:child_process";
const gateway = ["--url", "http://127.0.0.1:8080"];
const token = execFileSync(process.execPath, ["bin/countersign.js", "login", "--demo", ...gateway], { encoding: "utf8" });
console.log(JSON.stringify(await checkToken(token.trim())));`;
  const claims: unknown = JSON.parse(await runExample(script, process.execPath, "--input-type=module", "-"));
  expect(claims).toEqual({
    iss: expect.stringMatching(/^http:/),
    sub: expect.stringMatching(/^demo-/),
    aud: "devices",
    iat: expect.any(Number),
    exp: expect.any(Number),
    jti: expect.any(String),
    customer_id: expect.any(String),
  });
});

test.each([
  ["reflection", "countersign.admin.v1.AdminService"],
  ["health", '"SERVING"'],
])("buf curl asks the internal listener for its %s", { timeout: 60_000 }, async (kind, answer) => {
  const [reflection = "", health = ""] = exampleOf(SERVICES, "sh", "buf curl").split("\n");
  expect(await runExample(kind === "health" ? health : reflection, "sh")).toContain(answer);
});
