// The blocks of docs/operators.md that start a gateway: with new secrets, and with a certificate that commands trust.

import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { exampleOf, makeCheckout, makeNpx, runIn, serveBriefly } from "./pages.ts";
import { DEFAULT_ALG, serve } from "./program.ts";

const PAGE = "docs/operators.md";
const preparation = exampleOf(PAGE, "sh", "openssl req");
const example = exampleOf(PAGE, "sh", "--cacert");

test("the first block makes secrets that only their owner can read, and starts a gateway", async () => {
  const checkout = makeCheckout();
  const block = exampleOf(PAGE, "sh", "npx countersign serve").replace("npx countersign serve", "exec $&");
  const { line, end } = await serveBriefly(block, { cwd: checkout, folders: [makeNpx()] });
  expect([line, end]).toEqual([expect.stringMatching(/^public +http:/), [0, null]]);
  for (const name of ["master-key", "admin-token"])
    expect(statSync(resolve(checkout, "data", name)).mode & 0o777).toBe(0o600);
});

test("a self-signed certificate is served, and commands trust it", async () => {
  const checkout = makeCheckout();
  const [makeCertificate = "", start = ""] = preparation.split("\n");
  execFileSync("sh", ["-c", makeCertificate], { cwd: checkout, stdio: "ignore" });
  const settings = [...start.matchAll(/(COUNTERSIGN_\w+)=(\S+)/g)];
  const files = Object.fromEntries(settings.map(([, name, file = ""]) => [name, resolve(checkout, file)]));
  const gateway = await serve(resolve(checkout, "data"), { env: { ...DEFAULT_ALG, ...files } });
  expect(gateway.publicUrl).toMatch(/^https:/);

  // The gateway's answers end without a line break.
  const output = await runIn(checkout, gateway, example.replace("/auth/login\n", "/auth/login; echo\n"));
  expect(output).toMatch(/^\{"token":"eyJ.*\neyJ.*\ncustomer .*$/);
});
