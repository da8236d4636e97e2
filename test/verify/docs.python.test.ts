// The Python of docs/verify.md with valid and hostile tokens.

import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { TOKEN_ALGS } from "../../src/core/tokens/algorithms.ts";
import { fencesIn } from "../pages.ts";
import { temporaryFolder } from "../program.ts";
import { validToken } from "../vectors/forge.ts";
import { hostileTokens } from "../vectors/hostile-tokens.ts";
import { newMint, startIssuer } from "./issuer.ts";

const [code = ""] = fencesIn(readFileSync("docs/verify.md", "utf8"), "python");

/** Prints the sub of each accepted token, and a hyphen for each other one. */
const RUN_ALL = `
import json, sys
for token in json.load(open(sys.argv[1])):
    try:
        print(verify(token)["sub"])
    except jwt.PyJWTError:
        print("-")
`;

test("PyJWT accepts valid tokens, and rejects the hostile corpus", async () => {
  const issuer = await startIssuer();
  const now = Date.now();
  const mints = TOKEN_ALGS.map((alg) => ({ ...newMint(`key-${alg}`, alg, issuer.url), now }));
  issuer.publish(...mints);
  // Without tokens that only a faulty issuer can sign. Each made-up kid costs a fetch here.
  const forged = mints.flatMap((mint) =>
    hostileTokens(mint).filter(({ signed, name }) => !signed && !/kid/.test(name)),
  );
  expect(forged.length).toBeGreaterThan(250);
  const folder = temporaryFolder();
  writeFileSync(join(folder, "verify.py"), code.replace("https://login.example", issuer.url) + RUN_ALL);
  const none = [null, ""];
  const tokens = [...mints.map(validToken), ...none, ...forged.map(({ token }) => token)];
  writeFileSync(join(folder, "tokens.json"), JSON.stringify(tokens));
  const { stdout } = await promisify(execFile)("/usr/bin/python3", ["verify.py", "tokens.json"], { cwd: folder });
  const output = stdout.trimEnd().split("\n");
  expect(output.slice(0, mints.length)).toEqual(mints.map(({ deviceKey }) => deviceKey));
  expect(output.slice(mints.length)).toEqual([...none, ...forged].map(() => "-"));
});
