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
  const mints = TOKEN_ALGS.map((alg) => ({ ...newMint(`key-${alg}`, alg, issuer.url), now: Date.now() }));
  issuer.publish(...mints);
  // Without tokens that only a faulty issuer can sign. Each made-up kid costs a fetch here.
  const forged = mints.flatMap(hostileTokens).filter(({ signed, name }) => !signed && !/kid/.test(name));
  expect(forged.length).toBeGreaterThan(250);
  const refused = [null, "", ...forged.map(({ token }) => token)];
  const folder = temporaryFolder();
  const [code = ""] = fencesIn(readFileSync("docs/verify.md", "utf8"), "python");
  writeFileSync(join(folder, "verify.py"), code.replace("https://login.example", issuer.url) + RUN_ALL);
  writeFileSync(join(folder, "tokens.json"), JSON.stringify([...mints.map(validToken), ...refused]));
  const { stdout } = await promisify(execFile)("/usr/bin/python3", ["verify.py", "tokens.json"], { cwd: folder });
  const expected = [...mints.map(({ deviceKey }) => deviceKey), ...refused.map(() => "-")];
  expect(stdout.trimEnd().split("\n")).toEqual(expected);
});
