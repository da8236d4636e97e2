// Runs the commands of each page as pasted, at a new gateway.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCommand, startTestOperator, wordsOf } from "../command.ts";
import type { TestGateway } from "../gateway.ts";
import { commandLinesOf, fencesIn } from "../pages.ts";
import { temporaryFolder } from "../program.ts";

/** Pages that enrol the devices and customers that they name. */
const ENROLS = ["README.md", "docs/operators.md"];

/** Commands that fail or warn at a new gateway, as their pages say. */
const EXPECTED_ERRORS: readonly (readonly [RegExp, number, RegExp])[] = [
  [/^explain/, 1, /would fail/],
  [/^signing-keys rotate$/, 1, /published/],
  [/^signing-keys (?:import (?!.*--next)|revoke)/, 0, /published/],
];

function writeFiles(folder: string): void {
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  const newPair = () =>
    generateKeyPairSync("ec", {
      namedCurve: "P-256",
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    });
  write("request.json", "{}");
  write("devices.csv", fencesIn(readFileSync("docs/import.md", "utf8"), "csv")[0] ?? "");
  for (const name of ["old-private-key.pem", "new-private-key.pem"]) write(name, newPair().privateKey);
  write("board.pub", newPair().publicKey);
  for (const name of ["acme-key.txt", "acme-derivation-key.txt"]) write(name, randomBytes(16).toString("hex"));
}

/** A word of a command; placeholders become a file or name of this gateway. */
async function nameOf(word: string, gateway: TestGateway, folder: string): Promise<string> {
  const { registry } = gateway;
  const page = { pageSize: 0, pageToken: "", filter: "" };
  if (/\.(?:txt|json|csv|pem|pub)$/.test(word)) return join(folder, word);
  if (word === "ID") return (await registry.customers.list(page)).items.at(-1)?.customerId ?? "";
  if (word === "KID") return (await gateway.signingKeys.list()).find(({ state }) => state === "active")?.kid ?? "";
  if (word === "TOKEN_ID") return (await registry.operators.list())[0]?.tokenId ?? "";
  if (!word.includes("0a4be85d13c79f26")) return word;
  const items = await registry.customerKeys.list("acme");
  return word.replace("0a4be85d13c79f26", items.find(({ purpose }) => purpose === "login")?.keyId ?? "");
}

test.each([
  "README.md",
  "docs/operators.md",
  "docs/dashboard.md",
  "docs/explain.md",
  "docs/import.md",
  "docs/oauth.md",
  "docs/registry.md",
  "docs/secrets.md",
  "docs/signing-keys.md",
])("every command of %s works as it is pasted", async (page) => {
  const { gateway, env, operate } = await startTestOperator();
  const folder = temporaryFolder();
  writeFiles(folder);
  if (!ENROLS.includes(page)) {
    await operate("customers create --customer-id acme --name Acme");
    await operate("devices create --customer acme --device-key pump-7");
  }
  let printed = "";
  const lines = commandLinesOf(page);
  expect(lines).not.toEqual([]);
  for (const line of lines) {
    const words = await Promise.all(wordsOf(line).map((word) => nameOf(word, gateway, folder)));
    const command = words[0] === "login" ? [...words, "--url", gateway.publicUrl] : words;
    const { status, stdout, stderr } = await runCommand(command, { env, input: `${printed}\n` });
    const [, expected = 0, error = /^$/] = EXPECTED_ERRORS.find(([pattern]) => pattern.test(line)) ?? [];
    expect([line, status, stderr]).toEqual([line, expected, expect.stringMatching(error)]);
    printed = /^customer_key (\S+)$/m.exec(stdout)?.[1] ?? printed;
  }
  if (page === "docs/operators.md") {
    expect(readFileSync(join(folder, "derivation.txt"), "utf8")).toMatch(/^[0-9a-f]{64}\n$/);
    expect(statSync(join(folder, "derivation.txt")).mode & 0o777).toBe(0o600);
  }
});
