// `countersign customer-keys`: the secrets that logins are signed with.

import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { type Command, Option } from "commander";
import {
  CustomerKeySchema,
  CustomerKeyUsage_KeyUsageSchema,
  CustomerKeyUsageSchema,
  type IssueCustomerKeyResponse,
  KeyPurpose,
  RetireCustomerKeyResponseSchema,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { adminCommand, COUNTING, callAdmin } from "./gateway/admin-client.ts";
import { rowsOf, writeList } from "./listing.ts";
import { usageFailure, writeResult } from "./output.ts";
import { writeResource } from "./resource.ts";
import { readSecret, writeSecret } from "./secret-file.ts";
import { createTable } from "./table.ts";
import { readTimeOption } from "./times.ts";

const PURPOSES = { login: KeyPurpose.LOGIN, derivation: KeyPurpose.DERIVATION };
const COLUMNS = ["key_id", "purpose", "state", "not_before", "expires_at", "create_time", "retire_time"];
const USAGE_COLUMNS = ["key_id", "purpose", "state", "devices", "first_use_time", "last_use_time"];

interface IssueOptions {
  readonly customer: string;
  readonly purpose: keyof typeof PURPOSES;
  readonly import?: string;
  readonly output?: string;
  readonly notBefore?: Timestamp;
  readonly expiresAt?: Timestamp;
}

/** Adds `customer-keys`, from issuing to retiring. */
export function addCustomerKeysCommand(program: Command): void {
  const keys = adminCommand(program, "customer-keys").description("manage the secrets that logins are signed with");
  addIssue(keys);
  keys
    .command("list")
    .description("list the keys of a customer, the newest first, the retired ones too")
    .requiredOption("--customer <id>", "the keys' owner")
    .option("--json", "print a line of JSON for each")
    .action(({ customer: customerId }: { customer: string }, command: Command) =>
      callAdmin((admin) =>
        writeList(command, {
          desc: CustomerKeySchema,
          columns: COLUMNS,
          async read(page) {
            const { customerKeys: items, nextPageToken } = await admin.listCustomerKeys({ ...page, customerId });
            return { items, nextPageToken };
          },
        }),
      ),
    );
  addUsage(keys);
  addRetire(keys);
}

function addIssue(keys: Command): void {
  keys
    .command("issue")
    .description("issue a key, or import one that is already flashed; shown once")
    .requiredOption("--customer <id>", "the key's owner")
    .addOption(new Option("--purpose <purpose>", "what it is for").choices(Object.keys(PURPOSES)).default("login"))
    .option("--import <file>", "take the secret from a file; - for standard input")
    .option("--output <file>", "put the secret, alone, into a new file that only you can read, and show it nowhere")
    .option(
      "--not-before <time>",
      "when it begins to be good, as in 2026-01-31T12:00:00Z (default: now)",
      readTimeOption,
    )
    .option("--expires-at <time>", "when it ends to be good (default: when it is retired)", readTimeOption)
    .option("--json", "print JSON")
    .action(
      async ({ customer: customerId, purpose, notBefore, expiresAt, ...options }: IssueOptions, command: Command) => {
        const { import: source, output } = options;
        if (source !== undefined && output !== undefined) {
          throw usageFailure("--import and --output exclude each other: what is imported is in a file already");
        }
        const importedKey = source === undefined ? "" : await readSecret(source);
        const issue = (): Promise<IssueCustomerKeyResponse> =>
          callAdmin((admin) =>
            admin.issueCustomerKey({
              customerId,
              purpose: PURPOSES[purpose],
              importedKey,
              ...(notBefore && { notBefore }),
              ...(expiresAt && { expiresAt }),
            }),
          );
        const { keyId, customerKey, warning } = await (output === undefined ? issue() : writeSecret(output, issue));
        if (warning !== "") process.stderr.write(`countersign: ${warning}\n`);
        if (source !== undefined) writeResult(command, { key_id: keyId }, [`key ${keyId}`]);
        else if (output !== undefined) {
          writeResult(command, { key_id: keyId, output }, [
            `key ${keyId}`,
            `Its secret is in ${output}, and not shown again.`,
          ]);
        } else {
          writeResult(command, { key_id: keyId, customer_key: customerKey }, [
            `key ${keyId}`,
            `customer_key ${customerKey}`,
            "It is not shown again.",
          ]);
        }
      },
    );
}

function addUsage(keys: Command): void {
  keys
    .command("usage")
    .description("count the devices whose last login each key proved: how far a rotation is")
    .requiredOption("--customer <id>", "the keys' owner")
    .option("--json", "print JSON")
    .action(async ({ customer: customerId }: { customer: string }, command: Command) => {
      const usage = await callAdmin((admin) => admin.getCustomerKeyUsage({ customerId }, COUNTING));
      const table = createTable(USAGE_COLUMNS)(rowsOf(CustomerKeyUsage_KeyUsageSchema, USAGE_COLUMNS, usage.keys));
      const silent = `${count(usage.silentDevices)} not logged in yet`;
      writeResource(command, CustomerKeyUsageSchema, usage, [`${table}${silent}`]);
    });
}

function addRetire(keys: Command): void {
  keys
    .command("retire <key-id>")
    .description("retire a key for good")
    .option("--dry-run", "only tell how many devices that would stop")
    .option("--json", "print JSON")
    .action(async (keyId: string, { dryRun = false }: { dryRun?: boolean }, command: Command) => {
      const told = await callAdmin((admin) => admin.retireCustomerKey({ keyId, validateOnly: dryRun }, COUNTING));
      writeResource(command, RetireCustomerKeyResponseSchema, told, [
        dryRun ? `key ${keyId} would be retired` : `key ${keyId} is retired`,
        `stopped_devices  ${told.stoppedDevices}`,
        `silent_devices   ${told.silentDevices}`,
        `other_live_keys  ${told.otherLiveKeys}`,
        ...(dryRun
          ? []
          : ["tokens of its logins stay good until they expire. Was it stolen? Then customers revoke-tokens"]),
      ]);
    });
}

function count(devices: number): string {
  return devices === 1 ? "1 device has" : `${devices} devices have`;
}
