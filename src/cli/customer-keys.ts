// `countersign customer-keys`: the secrets that logins are signed with.

import { type Command, Option } from "commander";
import { KeyPurpose } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { callAdmin } from "./admin-client.ts";
import { writeResult } from "./output.ts";
import { readSecret } from "./secrets.ts";

const PURPOSES = { login: KeyPurpose.LOGIN, derivation: KeyPurpose.DERIVATION };

interface IssueOptions {
  readonly customer: string;
  readonly purpose: keyof typeof PURPOSES;
  readonly import?: string;
}

export function addCustomerKeysCommand(program: Command): void {
  const keys = program.command("customer-keys").description("manage the secrets that logins are signed with");
  keys
    .command("issue")
    .description("issue a key, or import one that is already flashed; shown once")
    .requiredOption("--customer <id>", "the key's owner")
    .addOption(new Option("--purpose <purpose>", "what it is for").choices(Object.keys(PURPOSES)).default("login"))
    .option("--import <file>", "take the secret from a file; - for standard input")
    .option("--json", "print JSON")
    .action(async (options: IssueOptions, command: Command) => {
      const importedKey = options.import === undefined ? "" : await readSecret(options.import);
      const issued = await callAdmin((admin) =>
        admin.issueCustomerKey({ customerId: options.customer, purpose: PURPOSES[options.purpose], importedKey }),
      );
      if (issued.warning !== "") process.stderr.write(`countersign: ${issued.warning}\n`);
      writeResult(command, { key_id: issued.keyId, customer_key: issued.customerKey }, [
        `key ${issued.keyId}`,
        `customer_key ${issued.customerKey}`,
        "It is not shown again.",
      ]);
    });
}
