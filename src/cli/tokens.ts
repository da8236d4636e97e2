// `countersign tokens`: revokes a single token.

import type { Command } from "commander";
import { RevokedTokenSchema } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { adminCommand, callAdmin } from "./gateway/admin-client.ts";
import { writeResource } from "./terminal/fields.ts";
import { readInput } from "./terminal/files.ts";
import { addConfirmOption, type ConfirmOptions, confirm, usageFailure } from "./terminal/output.ts";

/** The end of a message about tokens that were just revoked. */
export const REVOKED_TOKENS =
  "services that ask a gateway refuse them at once, services that verify tokens themselves accept them until they expire";

/** Adds `tokens`. */
export function addTokensCommand(program: Command): void {
  const revoke = adminCommand(program, "tokens").description("revoke single tokens").command("revoke <jti>");
  addConfirmOption(revoke)
    .description("revoke a token by its jti; - reads the token itself from standard input")
    // A jti may begin with a hyphen.
    .allowUnknownOption()
    .action(async (name: string, options: ConfirmOptions, command: Command) => {
      if (name.split(".").length === 3) {
        throw usageFailure(
          "this is a whole token, and it is now in the shell's history. Give its jti, or - and the token on standard input",
        );
      }
      const jti = name === "-" ? readJti((await readInput(name)).toString().trim()) : name;
      if (name !== "-") await confirm(`Revoke the token ${jti}?`, options);
      const token = await callAdmin((admin) => admin.revokeToken({ jti }));
      writeResource(command, RevokedTokenSchema, token, [
        `any token with jti ${token.jti} is revoked: ${REVOKED_TOKENS}`,
      ]);
    });
}

/** Reads the jti without verifying the token. */
function readJti(token: string): string {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
    if (typeof claims === "object" && claims !== null && "jti" in claims && typeof claims.jti === "string") {
      return claims.jti;
    }
  } catch {
    // The error below does not repeat the token, which is a secret.
  }
  throw usageFailure("standard input holds no token with a jti. Pass the token exactly as the device received it");
}
