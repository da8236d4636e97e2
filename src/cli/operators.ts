// `countersign operators`: admin tokens with a name, a role and an expiry.

import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Command, InvalidArgumentError, Option } from "commander";
import {
  type IssueOperatorTokenResponse,
  OperatorRole,
  OperatorTokenSchema,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { systemNow } from "../telemetry/clock.ts";
import { adminCommand, callAdmin } from "./gateway/admin-client.ts";
import { writeResource } from "./terminal/fields.ts";
import { writeSecret } from "./terminal/files.ts";
import { addListCommand } from "./terminal/listing.ts";
import { addConfirmOption, type ConfirmOptions, confirm, writeResult } from "./terminal/output.ts";

const ROLES = { read: OperatorRole.READ, admin: OperatorRole.ADMIN };
const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

interface IssueOptions {
  readonly name: string;
  readonly role: keyof typeof ROLES;
  readonly expiresIn: number;
  readonly output?: string;
}

/** Adds `operators`. */
export function addOperatorsCommand(program: Command): void {
  const operators = adminCommand(program, "operators").description("manage the admin tokens of operators");
  addIssue(operators);
  addListCommand(operators, {
    description: "list admin tokens, the newest first, revoked and expired ones included",
    desc: OperatorTokenSchema,
    columns: ["token_id", "name", "role", "create_time", "expire_time", "revoke_time"],
    async read(admin, { pageSize, pageToken }) {
      const { operatorTokens: items, nextPageToken } = await admin.listOperatorTokens({ pageSize, pageToken });
      return { items, nextPageToken };
    },
  });
  addConfirmOption(operators.command("revoke <token-id>"))
    .description("revoke an admin token, and the sessions that were opened with it")
    .action(async (tokenId: string, options: ConfirmOptions, command: Command) => {
      await confirm(`Revoke admin token ${tokenId}?`, options);
      const token = await callAdmin((admin) => admin.revokeOperatorToken({ tokenId }));
      writeResource(command, OperatorTokenSchema, token, [`admin token ${tokenId} of ${token.name} is revoked`]);
    });
}

function addIssue(operators: Command): void {
  operators
    .command("issue")
    .description("issue an admin token and print it once")
    .requiredOption("--name <name>", "the operator's name, as the audit log shows it")
    .addOption(new Option("--role <role>", "the calls that it allows").choices(Object.keys(ROLES)).default("read"))
    .addOption(
      new Option("--expires-in <time>", "a number and d, h or m")
        .argParser(readTimeSpan)
        .default(90 * 86_400_000, "90d"),
    )
    .option("--output <file>", "write the token to a new file that only you can read, instead of printing it")
    .action(async ({ name, role, expiresIn, output }: IssueOptions, command: Command) => {
      const issue = (): Promise<IssueOperatorTokenResponse> =>
        callAdmin((admin) =>
          admin.issueOperatorToken({ name, role: ROLES[role], expireTime: timestampFromMs(systemNow() + expiresIn) }),
        );
      const { operatorToken, adminToken } = await (output === undefined
        ? issue()
        : writeSecret(output, issue, (issued) => issued.adminToken));
      const tokenId = operatorToken?.tokenId ?? "";
      const secret = output === undefined ? { admin_token: adminToken } : { output };
      const where = output === undefined ? "It is not shown again." : `It is in ${output} and is not shown again.`;
      writeResult(command, { token_id: tokenId, ...secret }, [
        `token_id ${tokenId}`,
        ...(output === undefined ? [`admin_token ${adminToken}`] : []),
        where,
      ]);
    });
}

/** Reads `30d`, `12h` or `15m` in milliseconds, for commander. */
export function readTimeSpan(text: string): number {
  const [, number, unit = ""] = /^([1-9]\d{0,5})([dhm])$/.exec(text) ?? [];
  const ms = Number(number) * (UNITS[unit] ?? Number.NaN);
  if (Number.isNaN(ms)) throw new InvalidArgumentError("Write a number and d, h or m, as in 30d.");
  return ms;
}
