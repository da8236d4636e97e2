// docs/commands.md: each line as a reader pastes it, beside a gateway, in a folder with the files it names.

import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { runCommand } from "../command.ts";
import { fencesIn } from "../fences.ts";
import { ADMIN_TOKEN, CUSTOMER_KEY, startTestGateway } from "../gateway.ts";
import { makeNpx } from "../npx.ts";
import { temporaryFolder } from "../program.ts";

/** The lines of a page's shell blocks, without comments. */
function shellLinesOf(page: string): readonly string[] {
  const blocks = fencesIn(readFileSync(page, "utf8"), "sh");
  const lines = blocks.flatMap((code) => code.split("\n"));
  return lines.map((line) => line.replace(/ +# .*$/, "")).filter((line) => line !== "");
}

/** Commands that warn about a new signing key. */
const WARNED = ["import", "revoke"];

test("every command works as it is pasted", { timeout: 60_000 }, async () => {
  const gateway = await startTestGateway();
  const folder = temporaryFolder();
  symlinkSync(resolve("bin"), join(folder, "bin"));
  writeFileSync(join(folder, "key.txt"), `${CUSTOMER_KEY}\n`);
  writeFileSync(join(folder, "boards.txt"), "pump-7\n");
  writeFileSync(join(folder, "request.json"), "{}");
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  writeFileSync(join(folder, "old-private-key.pem"), privateKey.export({ format: "pem", type: "pkcs8" }));
  const env = { COUNTERSIGN_INTERNAL_URL: gateway.internalUrl, COUNTERSIGN_ADMIN_TOKEN: ADMIN_TOKEN };
  const path = [makeNpx(), process.env["PATH"]].join(delimiter);

  /** The words of a command, with names that this gateway and folder have. */
  async function wordsOf(line: string): Promise<readonly string[]> {
    const words = [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? "");
    const names: (string | undefined)[] = [];
    for (const [at, word] of words.entries()) {
      if (/\.(txt|key|json|pem)$/.test(word)) names.push(join(folder, word));
      else if (word === "0a4be85d13c79f26") names.push(await keyIdOf("acme"));
      else if (word === "KID")
        names.push((await gateway.signingKeys.list()).find(({ state }) => state === "active")?.kid);
      else if (words[at - 1] === "--etag") names.push(await etagOf("pump-7"));
      else names.push(word);
    }
    return names.slice(2).map((name) => name ?? "");
  }

  async function keyIdOf(customerId: string): Promise<string | undefined> {
    const { items } = await gateway.registry.customerKeys.list(customerId, { pageSize: 0, pageToken: "", filter: "" });
    return items.find(({ purpose }) => purpose === "login")?.keyId;
  }

  async function etagOf(deviceKey: string): Promise<string> {
    return JSON.parse((await runCommand(["devices", "show", deviceKey, "--json"], { env })).stdout).etag;
  }

  const lines = shellLinesOf("docs/commands.md");
  expect(lines.length).toBeGreaterThan(30);
  for (const line of lines) {
    if (line.includes(" | ")) {
      await promisify(execFile)("sh", ["-c", line], { cwd: folder, env: { ...env, PATH: path } });
      continue;
    }
    expect(line).toMatch(/^npx countersign /);
    const words = await wordsOf(line);
    const { status, stderr } = await runCommand(words, { env });
    if (words[0] === "explain") expect([status, stderr]).toEqual([1, expect.stringContaining("would be refused")]);
    else {
      const isWarned = words[0] === "signing-keys" && WARNED.includes(words[1] ?? "");
      expect([line, status, isWarned ? "" : stderr]).toEqual([line, 0, ""]);
    }
  }
  for (const file of ["derivation.txt", "pump-7.key"]) {
    expect(readFileSync(join(folder, file), "utf8")).toMatch(/^[0-9a-f]{64}\n$/);
    expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
  }
  expect(readFileSync(join(folder, "keys.txt"), "utf8")).toBe(
    `pump-7 ${readFileSync(join(folder, "pump-7.key"), "utf8")}`,
  );
});

test("the other pages call the commands the same way", () => {
  for (const page of ["docs/explain.md", "docs/import.md", "docs/signing-keys.md", "docs/tokens.md"]) {
    const lines = shellLinesOf(page).filter((line) => !line.startsWith("curl "));
    for (const line of lines) expect(line).toMatch(/(^|\| |\$\()npx countersign /);
  }
});
