// `countersign customers`: who owns devices.

import type { Command } from "commander";
import { type Customer, CustomerSchema, Status } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { adminCommand, callAdmin } from "./gateway/admin-client.ts";
import { addListOptions, type ListOptions, writeList } from "./listing.ts";
import { usageFailure, writeResult } from "./output.ts";
import { writeResource } from "./resource.ts";
import { REVOKED_TOKENS } from "./revoked-tokens.ts";

const COLUMNS = ["customer_id", "status", "login_limit", "create_time", "display_name"];

interface CustomerOptions {
  readonly name?: string;
  readonly loginLimit?: string;
}

interface CreateOptions extends CustomerOptions {
  readonly customerId?: string;
}

interface VersionOptions {
  readonly etag?: string;
}

/** Adds `customers`. */
export function addCustomersCommand(program: Command): void {
  const customers = adminCommand(program, "customers").description("manage customers, the owners of devices");
  addCreate(customers);
  addListOptions(customers.command("list"), 'status = "disabled"')
    .description("list customers")
    .action((options: ListOptions, command: Command) =>
      callAdmin((admin) =>
        writeList(
          command,
          {
            desc: CustomerSchema,
            columns: COLUMNS,
            async read(page) {
              const answer = await admin.listCustomers({ ...page, filter: options.filter ?? "" });
              return { items: answer.customers, nextPageToken: answer.nextPageToken };
            },
          },
          options.limit,
        ),
      ),
    );
  customers
    .command("show <id>")
    .description("show a customer")
    .option("--json", "print JSON")
    .action(async (customerId: string, _options: object, command: Command) => {
      writeResource(command, CustomerSchema, await callAdmin((admin) => admin.getCustomer({ customerId })));
    });
  addUpdate(customers);
  addSwitch(customers, "disable", Status.DISABLED, "let none of its devices in");
  addSwitch(customers, "enable", Status.ENABLED, "let its devices in again");
  customers
    .command("revoke-tokens <id>")
    .description("take back the tokens that its devices were given until now")
    .option("--json", "print JSON")
    .action(async (customerId: string, _options: object, command: Command) => {
      const customer = await callAdmin((admin) => admin.revokeCustomerTokens({ customerId }));
      writeResource(command, CustomerSchema, customer, [
        `the tokens that the devices of customer ${customerId} were given until now are revoked: ${REVOKED_TOKENS}`,
      ]);
    });
  customers
    .command("delete <id>")
    .description("delete a customer that has no devices, and its keys")
    .option("--etag <etag>", "only if it is still this version")
    .option("--json", "print JSON")
    .action(async (customerId: string, { etag = "" }: VersionOptions, command: Command) => {
      await callAdmin((admin) => admin.deleteCustomer({ customerId, etag }));
      writeResult(command, { customer_id: customerId }, [`customer ${customerId} is deleted`]);
    });
}

function addCreate(customers: Command): void {
  customers
    .command("create")
    .description("enrol a customer")
    .requiredOption("--name <name>", "a name for people")
    .option("--customer-id <id>", "its name in tokens, 1 to 16 small letters, digits and hyphens (default: made up)")
    .option("--login-limit <limit>", "the login limit of its devices, as in 20/60s or off (default: the gateway's)")
    .option("--json", "print JSON")
    .action(async (options: CreateOptions, command: Command) => {
      const { customerId } = await callAdmin((admin) =>
        admin.createCustomer({
          customer: { displayName: options.name ?? "", loginLimit: options.loginLimit ?? "" },
          customerId: options.customerId ?? "",
        }),
      );
      writeResult(command, { customer_id: customerId }, [`customer ${customerId}`]);
    });
}

function addUpdate(customers: Command): void {
  customers
    .command("update <id>")
    .description("change a customer")
    .option("--name <name>", "a name for people")
    .option("--login-limit <limit>", "the login limit of its devices, as in 20/60s or off; empty: the gateway's")
    .option("--etag <etag>", "only if it is still this version")
    .option("--json", "print JSON")
    .action(async (customerId: string, options: CustomerOptions & VersionOptions, command: Command) => {
      const { name, loginLimit, etag = "" } = options;
      const paths = [
        ...(name === undefined ? [] : ["display_name"]),
        ...(loginLimit === undefined ? [] : ["login_limit"]),
      ];
      if (paths.length === 0) throw usageFailure("say what to change: --name or --login-limit");
      const customer = { customerId, displayName: name ?? "", loginLimit: loginLimit ?? "", etag };
      writeResource(command, CustomerSchema, await update(customer, paths));
    });
}

function addSwitch(customers: Command, verb: "disable" | "enable", status: Status, description: string): void {
  customers
    .command(`${verb} <id>`)
    .description(description)
    .option("--json", "print JSON")
    .action(async (customerId: string, _options: object, command: Command) => {
      const customer = await update({ customerId, status }, ["status"]);
      writeResource(command, CustomerSchema, customer, [`customer ${customerId} is ${verb}d`]);
    });
}

function update(
  customer: Partial<Pick<Customer, "displayName" | "loginLimit" | "etag" | "status">> & { customerId: string },
  paths: string[],
): Promise<Customer> {
  return callAdmin((admin) => admin.updateCustomer({ customer, updateMask: { paths } }));
}
