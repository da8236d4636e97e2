// `countersign customers`: who owns devices.

import type { Command } from "commander";
import { callAdmin } from "./admin-client.ts";
import { writeResult } from "./output.ts";

export function addCustomersCommand(program: Command): void {
  const customers = program.command("customers").description("manage customers, the owners of devices");
  customers
    .command("create")
    .description("enrol a customer")
    .requiredOption("--name <name>", "a name for people")
    .option("--json", "print JSON")
    .action(async (options: { name: string }, command: Command) => {
      const { customerId } = await callAdmin((admin) =>
        admin.createCustomer({ customer: { displayName: options.name } }),
      );
      writeResult(command, { customer_id: customerId }, [`customer ${customerId}`]);
    });
}
