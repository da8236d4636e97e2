// `countersign secrets`: the secrets sealed in the database.

import type { Command } from "commander";
import { adminCommand, callAdmin } from "./gateway/admin-client.ts";
import { CommandFailure, writeResult } from "./terminal/output.ts";

/** Adds `secrets`. */
export function addSecretsCommand(program: Command): void {
  adminCommand(program, "secrets")
    .description("manage the secrets that are sealed in the database")
    .command("reseal")
    .description("seal with COUNTERSIGN_MASTER_KEY every secret that one of COUNTERSIGN_OTHER_MASTER_KEYS sealed")
    .action(async (_options: object, command: Command) => {
      const { resealed, unopened } = await reseal();
      if (unopened > 0) {
        throw new CommandFailure(
          `${resealed} secrets were sealed with COUNTERSIGN_MASTER_KEY, and ${unopened} do not open with any master key of the gateway. Give it the one that sealed them, and run this again (docs/secrets.md)`,
          { resealed, unopened },
        );
      }
      writeResult(command, { resealed, unopened }, [
        `resealed ${resealed}`,
        "All secrets are sealed with COUNTERSIGN_MASTER_KEY. Remove the old one from COUNTERSIGN_OTHER_MASTER_KEYS.",
      ]);
    });
}

/** Each call reseals a batch, so that none takes long. */
async function reseal(): Promise<{ resealed: number; unopened: number }> {
  return callAdmin(async (admin) => {
    for (let resealed = 0; ; ) {
      const answer = await admin.resealSecrets({});
      resealed += answer.resealed;
      if (answer.done) return { resealed, unopened: answer.unopened };
    }
  });
}
