// `countersign explain`: names the mistake in a login.

import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { ExplainLoginResponseSchema } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { adminCommand, callAdmin } from "./gateway/admin-client.ts";
import { readTimeOption, writeResource } from "./terminal/fields.ts";
import { readInput } from "./terminal/files.ts";
import { CommandFailure } from "./terminal/output.ts";

interface ExplainOptions {
  readonly deviceKey: string;
  readonly body: string;
  readonly at?: Timestamp;
}

/** Adds `explain`. */
export function addExplainCommand(program: Command): void {
  adminCommand(program, "explain")
    .description("say what is wrong with a login, given its body as the device sent it")
    .requiredOption("--device-key <key>", "the device that was meant to log in")
    .requiredOption("--body <file>", "a file that holds the body, byte for byte; - for standard input")
    .option("--at <time>", "when it was received, as in 2026-01-31T12:00:00Z (default: now)", readTimeOption)
    .action(async ({ deviceKey, body: file, at }: ExplainOptions, command: Command) => {
      const body = await readInput(file);
      const explanation = await callAdmin((admin) =>
        admin.explainLogin({ deviceKey, body, ...(at !== undefined && { receiveTime: at }) }),
      );
      const { wouldSucceed, findings } = explanation;
      const lines = findings.map(({ code, message }) => `${code}: ${message}`);
      writeResource(command, ExplainLoginResponseSchema, explanation, lines);
      if (!wouldSucceed) {
        throw new CommandFailure("this login would fail", {
          findings: findings.map(({ code }) => code),
        });
      }
    });
}
