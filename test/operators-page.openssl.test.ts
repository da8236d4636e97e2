// docs/operators.md's lines for TLS: a certificate, a gateway that has it, and commands that trust it.

import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { exampleOf, makeCheckout, runIn } from "./pages.ts";
import { DEFAULT_ALG, serve } from "./program.ts";

const PAGE = "docs/operators.md";
const preparation = exampleOf(PAGE, "sh", "openssl req");
const example = exampleOf(PAGE, "sh", "--cacert");

test("TLS", async () => {
  const checkout = makeCheckout();
  const [makeCertificate = "", start = ""] = preparation.split("\n");
  execFileSync("sh", ["-c", makeCertificate], { cwd: checkout, stdio: "ignore" });
  const files = [...start.matchAll(/(COUNTERSIGN_\w+)=(\S+)/g)].map(([, name = "", file = ""]) => [
    name,
    resolve(checkout, file),
  ]);
  const gateway = await serve(resolve(checkout, "data"), { env: { ...DEFAULT_ALG, ...Object.fromEntries(files) } });
  expect(gateway.publicUrl).toMatch(/^https:/);

  // The gateway's answers end without a line break.
  const lines = example.replace("/auth/login\n", "/auth/login; echo\n");
  const output = await runIn(checkout, gateway, lines, "sh");
  expect(output.split("\n")).toEqual([
    expect.stringMatching(/^\{"token":"eyJ/),
    expect.stringMatching(/^eyJ/),
    expect.stringMatching(/^customer /),
  ]);
});
