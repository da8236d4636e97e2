// `countersign operators`, `audit` and `dashboard`: admin tokens, audit log, and dashboard links.

import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Command, Option } from "commander";
import { AuditEventSchema, OperatorRole, OperatorTokenSchema } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { readClientConfig } from "../config.ts";
import { signInLink } from "../core/registry/sessions.ts";
import { systemNow } from "../telemetry/clock.ts";
import { adminCommand, callAdmin } from "./gateway/admin-client.ts";
import { readTimeSpan, writeResource } from "./terminal/fields.ts";
import { writeSecret } from "./terminal/files.ts";
import { addListCommand } from "./terminal/listing.ts";
import { addConfirmOption, type ConfirmOptions, confirm, writeResult } from "./terminal/output.ts";

const ROLES = { read: OperatorRole.READ, admin: OperatorRole.ADMIN };

interface IssueOptions {
  readonly name: string;
  readonly role: keyof typeof ROLES;
  /** Milliseconds. */
  readonly expiresIn?: number;
  readonly output?: string;
}

/** Adds `operators`. */
export function addOperatorsCommand(program: Command): void {
  const operators = adminCommand(program, "operators").description("manage the admin tokens of operators");
  operators
    .command("issue")
    .description("issue an admin token and print it once")
    .requiredOption("--name <name>", "the operator's name, as the audit log shows it")
    .addOption(new Option("--role <role>", "the calls that it allows").choices(Object.keys(ROLES)).default("read"))
    .option("--expires-in <time>", "a number and d, h or m (default: 90d)", readTimeSpan)
    .option("--output <file>", "write the token to a new file that only you can read, instead of printing it")
    .action(issueToken);
  addListCommand(operators, {
    description: "list admin tokens, the newest first, revoked and expired ones included",
    desc: OperatorTokenSchema,
    columns: ["token_id", "name", "role", "create_time", "expire_time", "revoke_time"],
    read: async (admin) => ({ ...(await admin.listOperatorTokens({})), nextPageToken: "" }),
    itemsOf: ({ operatorTokens }) => operatorTokens,
  });
  addConfirmOption(operators.command("revoke <token-id>"))
    .description("revoke an admin token, and the sessions that were opened with it")
    .action(async (tokenId: string, options: ConfirmOptions, command: Command) => {
      await confirm(`Revoke admin token ${tokenId}?`, options);
      const token = await callAdmin((admin) => admin.revokeOperatorToken({ tokenId }));
      writeResource(command, OperatorTokenSchema, token, [`admin token ${tokenId} of ${token.name} is revoked`]);
    });
}

async function issueToken({ name, role, expiresIn, output }: IssueOptions, command: Command): Promise<void> {
  const period = expiresIn === undefined ? {} : { expireTime: timestampFromMs(systemNow() + expiresIn) };
  const { operatorToken, adminToken } = await writeSecret(
    output,
    () => callAdmin((admin) => admin.issueOperatorToken({ name, role: ROLES[role], ...period })),
    (issued) => issued.adminToken,
  );
  const tokenId = operatorToken?.tokenId ?? "";
  const secret = output === undefined ? { admin_token: adminToken } : { output };
  writeResult(command, { token_id: tokenId, ...secret }, [
    `token_id ${tokenId}`,
    ...(output === undefined
      ? [`admin_token ${adminToken}`, "It is not shown again."]
      : [`It is in ${output} and is not shown again.`]),
  ]);
}

/** Adds `audit`. */
export function addAuditCommand(program: Command): void {
  addListCommand(adminCommand(program, "audit").description("read the log of changes"), {
    description: "list changes, the newest first",
    desc: AuditEventSchema,
    columns: ["time", "token_id", "operator", "address", "action", "resource", "details"],
    filterExample: 'action = "UpdateDevice"',
    read: (admin, page) => admin.listAuditEvents(page),
    itemsOf: ({ auditEvents }) => auditEvents,
  });
}

/** Adds `dashboard`. */
export function addDashboardCommand(program: Command): void {
  adminCommand(program, "dashboard")
    .description("print a link that signs in to the dashboard once, within a minute")
    .action(async (_options: object, command: Command) => {
      const { code } = await callAdmin((admin) => admin.createSignInCode({}));
      const url = signInLink(readClientConfig().internalUrl, code);
      writeResult(command, { url }, [url, "It signs in once, within a minute. Keep it secret until then."]);
    });
}
