// `countersign explain`: what is wrong with this login?

import { readFileSync } from "node:fs";
import { buffer } from "node:stream/consumers";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { ExplainLoginResponseSchema } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { callAdmin } from "./admin-client.ts";
import { jsonLine } from "./fields.ts";
import { CommandFailure, wantsJson } from "./output.ts";
import { readTimeOption } from "./times.ts";

interface ExplainOptions {
  readonly deviceKey: string;
  readonly body: string;
  readonly at?: Timestamp;
}

export function addExplainCommand(program: Command): void {
  program
    .command("explain")
    .description("say what is wrong with a login, given its body as the device sent it")
    .requiredOption("--device-key <key>", "the device that was meant to log in")
    .requiredOption("--body <file>", "a file that holds the body, byte for byte; - for standard input")
    .option("--at <time>", "when it was received, as in 2026-01-31T12:00:00Z (default: now)", readTimeOption)
    .option("--json", "print JSON")
    .action(async ({ deviceKey, body: file, at }: ExplainOptions, command: Command) => {
      const body = await readBody(file);
      const explanation = await callAdmin((admin) =>
        admin.explainLogin({ deviceKey, body, ...(at !== undefined && { receiveTime: at }) }),
      );
      const { wouldSucceed, findings } = explanation;
      process.stdout.write(
        wantsJson(command)
          ? `${jsonLine(ExplainLoginResponseSchema, explanation)}\n`
          : findings.map(({ code, message }) => `${code}: ${message}\n`).join(""),
      );
      if (!wouldSucceed) {
        throw new CommandFailure("this login would be refused (docs/explain.md tells more of each finding)", {
          findings: findings.map(({ code }) => code),
        });
      }
    });
}

async function readBody(file: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(file === "-" ? await buffer(process.stdin) : readFileSync(file));
  } catch (error) {
    throw new CommandFailure(
      `${file} cannot be read (${error instanceof Error && "code" in error ? error.code : "an error"})`,
      {},
      2,
    );
  }
}
