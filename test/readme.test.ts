// The README's Node and buf examples log in, and its services check what they got.

import { expect, test } from "vitest";
import { examplesOf, runExample } from "./readme.ts";

const node = ["--input-type=module", "-"];
const [login = "", check = ""] = examplesOf("js");
const buf = examplesOf("sh").filter((code) => code.includes("buf curl"));

test("Node", { timeout: 60_000 }, async () => {
  expect(await runExample(login, process.execPath, ...node)).toMatch(/^eyJ/);
});

test("Node tells what the gateway says of a mistake", { timeout: 60_000 }, async () => {
  const late = login.replace("Date.now()", "0");
  await expect(runExample(late, process.execPath, ...node)).rejects.toThrow('"reason":"clock_skew"');
});

test("a service checks the token that Node got", { timeout: 60_000 }, async () => {
  const checked = login.replace(/console\.log\((.*)\)/, "console.log(JSON.stringify(await checkToken($1)))");
  const claims: unknown = JSON.parse(await runExample(`${check}\n${checked}`, process.execPath, ...node));
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

test("buf curl", { timeout: 60_000 }, async () => {
  const [example = ""] = buf;
  expect(JSON.parse(await runExample(example, "sh"))).toEqual({ token: expect.stringMatching(/^eyJ/), expiresIn: 600 });
});

test.each([
  ["reflection", "countersign.admin.v1.AdminService"],
  ["health", '"SERVING"'],
])("buf curl asks the internal listener for its %s", { timeout: 60_000 }, async (kind, told) => {
  const [, lines = ""] = buf;
  const [reflection = "", health = ""] = lines.split("\n");
  expect(await runExample(kind === "health" ? health : reflection, "sh")).toContain(told);
});
