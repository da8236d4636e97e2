// explain recognises a signature as openssl and the shell print it, which the shell sample sends unchanged.

import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { bodyOf, codesOf, RIGHT, SECRETS } from "./cases.ts";

/** The whole output of a shell command that reads the message. */
function printed(message: string, command: string): string {
  return execFileSync("sh", ["-c", command], {
    input: message,
    encoding: "utf8",
    env: { ...process.env, KEY: SECRETS.login },
  });
}

const DGST = 'openssl dgst -sha256 -hmac "$KEY"';

test.for([
  { how: "with its label", command: DGST, codes: ["malformed", "signature_right"] },
  { how: "by -r", command: `${DGST} -r`, codes: ["malformed", "signature_right"] },
  { how: "in binary, then base64", command: `${DGST} -binary | base64`, codes: ["malformed", "signature_right"] },
  {
    how: "of what echo prints",
    command: `(cat; echo) | ${DGST} | sed 's/.*= //' | tr -d '\\n'`,
    codes: ["trailing_newline"],
  },
  { how: "without the key", command: "sha256sum", codes: ["malformed", "plain_hash"] },
])("openssl $how", async ({ command, codes }) => {
  expect(await codesOf({ body: bodyOf({ signature: printed(RIGHT, command) }) })).toEqual(codes);
});
