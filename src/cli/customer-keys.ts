// `countersign customer-keys`: the secrets that logins are signed with.

import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { type Command, Option } from "commander";
import {
  CustomerKeySchema,
  CustomerKeyUsage_KeyUsageSchema,
  CustomerKeyUsageSchema,
  KeyPurpose,
  RetireCustomerKeyResponseSchema,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { COUNTING, callAdmin } from "./admin-client.ts";
import { fieldTexts, jsonLine } from "./fields.ts";
import { writeList } from "./listing.ts";
import { wantsJson, writeResult } from "./output.ts";
import { readSecret } from "./secrets.ts";
import { createTable } from "./table.ts";
import { readTimeOption } from "./times.ts";

const PURPOSES = { login: KeyPurpose.LOGIN, derivation: KeyPurpose.DERIVATION };
const COLUMNS = ["key_id", "purpose", "state", "not_before", "expires_at", "create_time", "retire_time"];
const USAGE_COLUMNS = ["key_id", "purpose", "state", "devices", "first_use_time", "last_use_time"];

interface IssueOptions {
  readonly customer: string;
  readonly purpose: keyof typeof PURPOSES;
  readonly import?: string;
  readonly notBefore?: Timestamp;
  readonly expiresAt?: Timestamp;
}

export function addCustomerKeysCommand(program: Command): void {
  const keys = program.command("customer-keys").description("manage the secrets that logins are signed with");
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
    .option(
      "--not-before <time>",
      "when it begins to be good, as in 2026-01-31T12:00:00Z (default: now)",
      readTimeOption,
    )
    .option("--expires-at <time>", "when it ends to be good (default: when it is retired)", readTimeOption)
    .option("--json", "print JSON")
    .action(
      async ({ customer: customerId, purpose, notBefore, expiresAt, ...options }: IssueOptions, command: Command) => {
        const importedKey = options.import === undefined ? "" : await readSecret(options.import);
        const issued = await callAdmin((admin) =>
          admin.issueCustomerKey({
            customerId,
            purpose: PURPOSES[purpose],
            importedKey,
            ...(notBefore && { notBefore }),
            ...(expiresAt && { expiresAt }),
          }),
        );
        if (issued.warning !== "") process.stderr.write(`countersign: ${issued.warning}\n`);
        writeResult(command, { key_id: issued.keyId, customer_key: issued.customerKey }, [
          `key ${issued.keyId}`,
          `customer_key ${issued.customerKey}`,
          "It is not shown again.",
        ]);
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
      if (wantsJson(command)) {
        process.stdout.write(`${jsonLine(CustomerKeyUsageSchema, usage)}\n`);
        return;
      }
      const rows = usage.keys.map((key) => {
        const texts = fieldTexts(CustomerKeyUsage_KeyUsageSchema, key);
        return USAGE_COLUMNS.map((name) => texts.get(name) ?? "");
      });
      process.stdout.write(createTable(USAGE_COLUMNS)(rows));
      process.stdout.write(`${count(usage.silentDevices)} not logged in yet\n`);
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
      if (wantsJson(command)) {
        process.stdout.write(`${jsonLine(RetireCustomerKeyResponseSchema, told)}\n`);
        return;
      }
      const lines = [
        dryRun ? `key ${keyId} would be retired` : `key ${keyId} is retired`,
        `stopped_devices  ${told.stoppedDevices}`,
        `silent_devices   ${told.silentDevices}`,
        `other_live_keys  ${told.otherLiveKeys}`,
      ];
      process.stdout.write(`${lines.join("\n")}\n`);
    });
}

function count(devices: number): string {
  return devices === 1 ? "1 device has" : `${devices} devices have`;
}
