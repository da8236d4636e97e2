// docs/operators.md: each command as a reader pastes it, beside a gateway, in a folder with the files it names.

import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { fencesIn } from "../fences.ts";
import { ADMIN_TOKEN, CUSTOMER_KEY, startTestGateway } from "../gateway.ts";
import { makeNpx } from "../npx.ts";
import { temporaryFolder } from "../program.ts";

const PAGE = "docs/operators.md";

function shellLinesOf(page: string): readonly string[] {
  // Other tests run the blocks that start a gateway.
  const blocks = fencesIn(readFileSync(page, "utf8"), "sh").filter((code) => !/ serve\b|--demo|npm start/.test(code));
  return blocks.flatMap((code) => code.split("\n")).filter((line) => line !== "");
}

/** Commands that warn about a new signing key. */
const WARNED = ["import ", "revoke "].map((words) => `npx countersign signing-keys ${words}`);

interface Outcome {
  readonly code: number;
  readonly stderr: string;
}

test("every command works as it is pasted", { timeout: 60_000 }, async () => {
  const gateway = await startTestGateway();
  const folder = temporaryFolder();
  symlinkSync(resolve("bin"), join(folder, "bin"));
  writeFileSync(join(folder, "key.txt"), `${CUSTOMER_KEY}\n`);
  writeFileSync(join(folder, "boards.txt"), "pump-7\n");
  writeFileSync(join(folder, "request.json"), "{}");
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  writeFileSync(join(folder, "old-private-key.pem"), privateKey.export({ format: "pem", type: "pkcs8" }));
  const env = {
    PATH: [makeNpx(), process.env["PATH"]].join(delimiter),
    COUNTERSIGN_INTERNAL_URL: gateway.internalUrl,
    COUNTERSIGN_ADMIN_TOKEN: ADMIN_TOKEN,
  };
  const { registry } = gateway;

  /** The line with its placeholders replaced by names of this gateway. */
  async function fillIn(line: string): Promise<string> {
    if (line.includes("0a4be85d13c79f26")) {
      const { items } = await registry.customerKeys.list("acme", { pageSize: 0, pageToken: "", filter: "" });
      return line.replace("0a4be85d13c79f26", items.find(({ purpose }) => purpose === "login")?.keyId ?? "");
    }
    if (line.includes(" KID")) {
      const answer = await fetch(new URL("/.well-known/jwks.json", gateway.publicUrl));
      const { keys }: { keys: readonly { kid: string }[] } = JSON.parse(await answer.text());
      return line.replace(" KID", ` ${keys[0]?.kid}`);
    }
    if (!line.includes("--etag")) return line;
    const { stdout } = await promisify(execFile)("npx", ["countersign", "devices", "show", "pump-7", "--json"], {
      env,
    });
    return line.replace(/--etag '[^']*'/, `--etag '${JSON.parse(stdout).etag}'`);
  }

  const lines = shellLinesOf(PAGE);
  expect(lines.length).toBeGreaterThan(15);
  const wrong: unknown[] = [];
  for (const line of lines) {
    expect(line).toMatch(/(^|\| )npx countersign /);
    const command = await fillIn(line);
    const { code, stderr } = await new Promise<Outcome>((done) => {
      const child = execFile("sh", ["-c", command], { cwd: folder, env }, (_error, _stdout, errors) =>
        done({ code: child.exitCode ?? 1, stderr: errors }),
      );
    });
    // explain fails by design: request.json is no login.
    const right = line.includes(" explain ")
      ? code === 1 && /would be refused/.test(stderr)
      : code === 0 && (stderr === "" || WARNED.some((start) => line.startsWith(start)));
    if (!right) wrong.push({ line, code, stderr });
  }
  expect(wrong).toEqual([]);
  expect(readFileSync(join(folder, "derivation.txt"), "utf8")).toMatch(/^[0-9a-f]{64}\n$/);
  expect(statSync(join(folder, "derivation.txt")).mode & 0o777).toBe(0o600);
});

test("the other pages call the commands the same way", () => {
  for (const page of ["docs/explain.md", "docs/import.md", "docs/signing-keys.md", "docs/tokens.md"]) {
    const lines = shellLinesOf(page).filter((line) => !line.startsWith("curl "));
    for (const line of lines) expect(line).toMatch(/(^|\| |\$\()npx countersign /);
  }
});
