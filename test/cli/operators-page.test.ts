// docs/operators.md: each command as a reader pastes it, beside a gateway, in a folder with the files it names.

import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCommand } from "../command.ts";
import { fencesIn } from "../fences.ts";
import { ADMIN_TOKEN, startTestGateway } from "../gateway.ts";
import { temporaryFolder } from "../program.ts";

/** The lines of a page's shell blocks; other tests run the blocks that start a gateway. */
function shellLinesOf(page: string): readonly string[] {
  const blocks = fencesIn(readFileSync(page, "utf8"), "sh").filter((code) => !/ serve\b|--demo|npm start/.test(code));
  return blocks.flatMap((code) => code.split("\n")).filter((line) => line !== "");
}

test("every command works as it is pasted", async () => {
  const gateway = await startTestGateway();
  const folder = temporaryFolder();
  writeFileSync(join(folder, "request.json"), "{}");
  const env = { COUNTERSIGN_INTERNAL_URL: gateway.internalUrl, COUNTERSIGN_ADMIN_TOKEN: ADMIN_TOKEN };

  /** The word, or in its place the file or name that this gateway has. */
  async function nameOf(word: string): Promise<string | undefined> {
    if (/\.(txt|json)$/.test(word)) return join(folder, word);
    if (word === "KID") return (await gateway.signingKeys.list()).find(({ state }) => state === "active")?.kid;
    if (word === "TOKEN_ID") return (await gateway.registry.operators.list())[0]?.tokenId;
    if (!word.includes("0a4be85d13c79f26")) return word;
    const { items } = await gateway.registry.customerKeys.list("acme", { pageSize: 0, pageToken: "" });
    return word.replace("0a4be85d13c79f26", items.find(({ purpose }) => purpose === "login")?.keyId ?? "");
  }

  const lines = shellLinesOf("docs/operators.md");
  expect(lines.length).toBeGreaterThan(15);
  for (const line of lines) {
    const [npx, program, ...words] = [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
      ([, single, double, bare]) => single ?? double ?? bare ?? "",
    );
    expect([npx, program]).toEqual(["npx", "countersign"]);
    const names = await Promise.all(words.map(async (word) => (await nameOf(word)) ?? ""));
    const { status, stderr } = await runCommand(names, { env });
    if (words[0] === "explain") expect([status, stderr]).toEqual([1, expect.stringContaining("would fail")]);
    // A new signing key is warned about.
    else expect([line, status, words[0] === "signing-keys" ? "" : stderr]).toEqual([line, 0, ""]);
  }
  expect(readFileSync(join(folder, "derivation.txt"), "utf8")).toMatch(/^[0-9a-f]{64}\n$/);
  expect(statSync(join(folder, "derivation.txt")).mode & 0o777).toBe(0o600);
});

test("the other pages call the commands the same way", () => {
  for (const page of ["docs/explain.md", "docs/import.md", "docs/registry.md", "docs/signing-keys.md"]) {
    const lines = shellLinesOf(page).filter((line) => !line.startsWith("curl "));
    for (const line of lines) expect(line).toMatch(/(^|\| |\$\()npx countersign /);
  }
});
