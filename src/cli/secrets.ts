// `countersign secrets`: what is sealed in the database, and with which master key.

import type { Command } from "commander";
import { adminCommand, callAdmin } from "./gateway/admin-client.ts";
import { CommandFailure, writeResult } from "./output.ts";

/** Adds `secrets`. */
export function addSecretsCommand(program: Command): void {
  const secrets = adminCommand(program, "secrets").description("manage the secrets that are sealed in the database");
  secrets
    .command("reseal")
    .description(
      "seal every secret with COUNTERSIGN_MASTER_KEY that is sealed with one of COUNTERSIGN_OTHER_MASTER_KEYS",
    )
    .option("--json", "print JSON")
    .action(async (_options: unknown, command: Command) => {
      const { resealed, unopened } = await reseal();
      if (unopened > 0) {
        throw new CommandFailure(
          `${resealed} secrets were sealed with COUNTERSIGN_MASTER_KEY, and ${unopened} do not open with any master key of the gateway. Give it the one that sealed them, and do this again (docs/secrets.md)`,
          { resealed, unopened },
        );
      }
      writeResult(command, { resealed, unopened }, [
        `resealed ${resealed}`,
        "All secrets are sealed with COUNTERSIGN_MASTER_KEY: COUNTERSIGN_OTHER_MASTER_KEYS may lose the old one.",
      ]);
    });
}

/** Some a call, so that none takes long; the last one has looked at all. */
async function reseal(): Promise<{ resealed: number; unopened: number }> {
  return callAdmin(async (admin) => {
    for (let resealed = 0; ; ) {
      const answer = await admin.resealSecrets({});
      resealed += answer.resealed;
      if (answer.done) return { resealed, unopened: answer.unopened };
    }
  });
}
