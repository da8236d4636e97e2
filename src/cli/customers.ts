// `countersign customers`: the owners of devices.

import type { Command } from "commander";
import { type Customer, CustomerSchema, Status } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { adminCommand, callAdmin } from "./gateway/admin-client.ts";
import { writeResource } from "./terminal/fields.ts";
import { addListCommand } from "./terminal/listing.ts";
import { addConfirmOption, type ConfirmOptions, confirm, usageFailure, writeResult } from "./terminal/output.ts";
import { REVOKED_TOKENS } from "./tokens.ts";

interface CustomerOptions {
  readonly name?: string;
  readonly loginLimit?: string;
}

/** Adds `customers`. */
export function addCustomersCommand(program: Command): void {
  const customers = adminCommand(program, "customers").description("manage customers, the owners of devices");
  addCreate(customers);
  addListCommand(customers, {
    description: "list customers",
    desc: CustomerSchema,
    columns: ["customer_id", "status", "login_limit", "create_time", "display_name"],
    filterExample: 'status = "disabled"',
    read: (admin, page) => admin.listCustomers(page),
    itemsOf: ({ customers }) => customers,
  });
  customers
    .command("show <id>")
    .description("show a customer")
    .action(async (customerId: string, _options: object, command: Command) => {
      writeResource(command, CustomerSchema, await callAdmin((admin) => admin.getCustomer({ customerId })));
    });
  addUpdate(customers);
  addConfirmOption(customers.command("disable <id>"))
    .description("refuse logins of all its devices, and revoke their tokens")
    .action(async (customerId: string, options: ConfirmOptions, command: Command) => {
      await confirm(`Disable customer ${customerId} and all its devices?`, options);
      const customer = await update(customerId, { status: Status.DISABLED });
      writeResource(command, CustomerSchema, customer, [`customer ${customerId} is disabled`]);
    });
  customers
    .command("enable <id>")
    .description("allow logins of its devices again")
    .action(async (customerId: string, _options: object, command: Command) => {
      const customer = await update(customerId, { status: Status.ENABLED });
      writeResource(command, CustomerSchema, customer, [`customer ${customerId} is enabled`]);
    });
  addConfirmOption(customers.command("revoke-tokens <id>"))
    .description("revoke the tokens issued to its devices until now")
    .action(async (customerId: string, options: ConfirmOptions, command: Command) => {
      await confirm(`Revoke the tokens of all devices of customer ${customerId}?`, options);
      const customer = await callAdmin((admin) => admin.revokeCustomerTokens({ customerId }));
      writeResource(command, CustomerSchema, customer, [
        `the tokens issued to devices of customer ${customerId} until now are revoked: ${REVOKED_TOKENS}`,
      ]);
    });
  addConfirmOption(customers.command("delete <id>"))
    .description("delete a customer that has no devices, and its keys")
    .action(async (customerId: string, options: ConfirmOptions, command: Command) => {
      await confirm(`Delete customer ${customerId} and its keys?`, options);
      await callAdmin((admin) => admin.deleteCustomer({ customerId }));
      writeResult(command, { customer_id: customerId }, [`customer ${customerId} is deleted`]);
    });
}

function addCreate(customers: Command): void {
  customers
    .command("create")
    .description("create a customer")
    .requiredOption("--name <name>", "a name for people")
    .option(
      "--customer-id <id>",
      "its id in tokens, 1 to 16 lower-case letters, digits and hyphens (default: generated)",
    )
    .option("--login-limit <limit>", "the login limit of its devices, as in 20/60s or off (default: the gateway's)")
    .action(async (options: CustomerOptions & { readonly customerId?: string }, command: Command) => {
      const customer = { displayName: options.name ?? "", loginLimit: options.loginLimit ?? "" };
      const request = { customer, customerId: options.customerId ?? "" };
      const { customerId } = await callAdmin((admin) => admin.createCustomer(request));
      writeResult(command, { customer_id: customerId }, [`customer ${customerId}`]);
    });
}

function addUpdate(customers: Command): void {
  customers
    .command("update <id>")
    .description("change a customer")
    .option("--name <name>", "a name for people")
    .option("--login-limit <limit>", "the login limit of its devices, as in 20/60s or off; empty: the gateway's")
    .action(async (customerId: string, { name, loginLimit }: CustomerOptions, command: Command) => {
      const changes = {
        ...(name !== undefined && { displayName: name }),
        ...(loginLimit !== undefined && { loginLimit }),
      };
      if (Object.keys(changes).length === 0) throw usageFailure("nothing to change: give --name or --login-limit");
      writeResource(command, CustomerSchema, await update(customerId, changes));
    });
}

/** Changes the fields that are given. */
function update(
  customerId: string,
  changes: Partial<Pick<Customer, "displayName" | "loginLimit" | "status">>,
): Promise<Customer> {
  const paths = CustomerSchema.fields.flatMap(({ name, localName }) => (localName in changes ? [name] : []));
  return callAdmin((admin) => admin.updateCustomer({ customer: { customerId, ...changes }, updateMask: { paths } }));
}
