// `countersign tokens`: single tokens that were given out.

import type { Command } from "commander";
import { RevokedTokenSchema } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { adminCommand, callAdmin } from "./gateway/admin-client.ts";
import { readInput } from "./input.ts";
import { usageFailure } from "./output.ts";
import { writeResource } from "./resource.ts";
import { REVOKED_TOKENS } from "./revoked-tokens.ts";

/** Adds `tokens`. */
export function addTokensCommand(program: Command): void {
  adminCommand(program, "tokens")
    .description("take back single tokens")
    .command("revoke <jti>")
    .description("take back one token, by its jti; - reads the token itself from standard input")
    .option("--json", "print JSON")
    // A jti may begin with a hyphen, and this is no time to learn of `--`.
    .allowUnknownOption()
    .action(async (name: string, _options: object, command: Command) => {
      if (name.split(".").length === 3) {
        throw usageFailure(
          "that is a whole token, and here it is in the history of the shell. Give its jti, or - and the token on standard input",
        );
      }
      const jti = name === "-" ? readJti((await readInput(name)).toString().trim()) : name;
      const token = await callAdmin((admin) => admin.revokeToken({ jti }));
      writeResource(command, RevokedTokenSchema, token, [
        `a token whose jti is ${token.jti}, if there is one, is revoked: ${REVOKED_TOKENS}`,
      ]);
    });
}

/** Of a token that is not looked at otherwise: whether it is good the gateway knows. */
function readJti(token: string): string {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
    if (typeof claims === "object" && claims !== null && "jti" in claims && typeof claims.jti === "string") {
      return claims.jti;
    }
  } catch {
    // As below: a token is a secret, and nothing of it is repeated.
  }
  throw usageFailure("what came on standard input is no token with a jti. Give the token as the device was given it");
}
