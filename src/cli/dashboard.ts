// `countersign dashboard`: a link that signs in to the dashboard once.

import type { Command } from "commander";
import { readClientConfig } from "../config.ts";
import { signInLink } from "../core/registry/sessions.ts";
import { adminCommand, callAdmin } from "./gateway/admin-client.ts";
import { writeResult } from "./terminal/output.ts";

/** Adds `dashboard`. */
export function addDashboardCommand(program: Command): void {
  adminCommand(program, "dashboard")
    .description("print a link that signs in to the dashboard once, within a minute")
    .action(async (_options: object, command: Command) => {
      const { code } = await callAdmin((admin) => admin.createSignInCode({}));
      const url = signInLink(readClientConfig().internalUrl, code);
      writeResult(command, { url }, [url, "It signs in once, within a minute. It is a secret until then."]);
    });
}
