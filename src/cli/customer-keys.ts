// `countersign customer-keys`: the secrets that devices sign logins with.

import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { type Command, Option } from "commander";
import {
  CustomerKeySchema,
  CustomerKeyUsage_KeyUsageSchema,
  CustomerKeyUsageSchema,
  KeyPurpose,
  RetireCustomerKeyResponseSchema,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { adminCommand, COUNTING, callAdmin } from "./gateway/admin-client.ts";
import { readTimeOption, writeResource } from "./terminal/fields.ts";
import { readSecret, writeSecret } from "./terminal/files.ts";
import { addListCommand, createTable } from "./terminal/listing.ts";
import { addConfirmOption, type ConfirmOptions, confirm, warn, writeResult } from "./terminal/output.ts";

const PURPOSES = { login: KeyPurpose.LOGIN, derivation: KeyPurpose.DERIVATION };
const USAGE_COLUMNS = ["key_id", "purpose", "state", "devices", "last_use_time"];

interface IssueOptions {
  readonly customer: string;
  readonly purpose: keyof typeof PURPOSES;
  readonly import?: string;
  readonly output?: string;
  readonly notBefore?: Timestamp;
  readonly expiresAt?: Timestamp;
}

/** Adds `customer-keys`. */
export function addCustomerKeysCommand(program: Command): void {
  const keys = adminCommand(program, "customer-keys").description("manage the secrets that devices sign with");
  addIssue(keys);
  addListCommand(keys, {
    description: "list the keys of a customer, the newest first, retired ones included",
    desc: CustomerKeySchema,
    columns: ["key_id", "purpose", "state", "not_before", "expires_at", "create_time", "retire_time"],
    read: async (admin, _page, { customer: customerId = "" }) => ({
      ...(await admin.listCustomerKeys({ customerId })),
      nextPageToken: "",
    }),
    itemsOf: ({ customerKeys }) => customerKeys,
  }).requiredOption("--customer <id>", "the keys' owner");
  addUsage(keys);
  addRetire(keys);
}

function addIssue(keys: Command): void {
  keys
    .command("issue")
    .description("issue a key and print it once, or import one that devices already have")
    .requiredOption("--customer <id>", "the key's owner")
    .addOption(new Option("--purpose <purpose>", "its use").choices(Object.keys(PURPOSES)).default("login"))
    .addOption(new Option("--import <file>", "import the secret from a file; - for standard input").conflicts("output"))
    .option("--output <file>", "write the secret to a new file that only you can read, instead of printing it")
    .option("--not-before <time>", "when it becomes valid, as in 2026-01-31T12:00:00Z (default: now)", readTimeOption)
    .option("--expires-at <time>", "when it expires (default: never)", readTimeOption)
    .action(issueKey);
}

async function issueKey(options: IssueOptions, command: Command): Promise<void> {
  const { customer: customerId, purpose, notBefore, expiresAt, import: source, output } = options;
  const importedKey = source === undefined ? "" : await readSecret(source);
  const request = { customerId, purpose: PURPOSES[purpose], importedKey };
  const period = { ...(notBefore && { notBefore }), ...(expiresAt && { expiresAt }) };
  const { keyId, customerKey, warning } = await writeSecret(
    output,
    () => callAdmin((admin) => admin.issueCustomerKey({ ...request, ...period })),
    (issued) => issued.customerKey,
  );
  if (warning !== "") warn(warning);
  const secret = source !== undefined ? {} : output !== undefined ? { output } : { customer_key: customerKey };
  writeResult(command, { key_id: keyId, ...secret }, [
    `key ${keyId}`,
    ...("output" in secret ? [`Its secret is in ${output} and is not shown again.`] : []),
    ...("customer_key" in secret ? [`customer_key ${customerKey}`, "It is not shown again."] : []),
  ]);
}

function addUsage(keys: Command): void {
  keys
    .command("usage")
    .description("count the devices that last logged in with each key, to follow a rotation")
    .requiredOption("--customer <id>", "the keys' owner")
    .action(async ({ customer: customerId }: { customer: string }, command: Command) => {
      const usage = await callAdmin((admin) => admin.getCustomerKeyUsage({ customerId }, COUNTING));
      const table = createTable(CustomerKeyUsage_KeyUsageSchema, USAGE_COLUMNS)(usage.keys);
      const { silentDevices } = usage;
      const silent = `${silentDevices} ${silentDevices === 1 ? "device has" : "devices have"} not logged in yet`;
      writeResource(command, CustomerKeyUsageSchema, usage, [`${table}${silent}`]);
    });
}

function addRetire(keys: Command): void {
  addConfirmOption(keys.command("retire <key-id>"))
    .description("retire a key for good")
    .option("--dry-run", "only count the devices that it would stop")
    .action(async (keyId: string, options: ConfirmOptions & { dryRun?: boolean }, command: Command) => {
      const { dryRun = false } = options;
      if (!dryRun) await confirm(`Retire key ${keyId}? --dry-run counts the devices that this stops.`, options);
      const answer = await callAdmin((admin) => admin.retireCustomerKey({ keyId, validateOnly: dryRun }, COUNTING));
      writeResource(command, RetireCustomerKeyResponseSchema, answer, [
        dryRun ? `key ${keyId} would be retired` : `key ${keyId} is retired`,
        `stopped_devices  ${answer.stoppedDevices}`,
        `silent_devices   ${answer.silentDevices}`,
        `other_live_keys  ${answer.otherLiveKeys}`,
        ...(dryRun
          ? []
          : ["Tokens of its logins stay valid until they expire. For a stolen key: customers revoke-tokens"]),
      ]);
    });
}
