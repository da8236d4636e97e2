// Runs commands as the operator of a test's own gateway.

import type { GatewayOptions } from "../../src/app.ts";
import type { Environment } from "../../src/config.ts";
import { type CommandOptions, runCommand } from "../command.ts";
import { ADMIN_TOKEN, openGateway, type TestGateway } from "../gateway.ts";
import type { Outcome } from "../program.ts";

export interface Operator {
  readonly gateway: TestGateway;
  /** Runs `countersign` with these arguments. */
  operate(args: readonly string[], options?: CommandOptions): Promise<Outcome>;
  /** Runs `countersign --json`. @returns the printed objects, one for each line. @throws Error when it fails */
  operateJson(args: readonly string[], options?: CommandOptions): Promise<readonly Record<string, unknown>[]>;
}

export async function openOperator(settings: Environment = {}, options: GatewayOptions = {}): Promise<Operator> {
  const gateway = await openGateway(settings, options);
  const env = { COUNTERSIGN_INTERNAL_URL: gateway.internalUrl, COUNTERSIGN_ADMIN_TOKEN: ADMIN_TOKEN };
  const operate: Operator["operate"] = (args, options = {}) =>
    runCommand(args, { ...options, env: { ...env, ...options.env } });
  return {
    gateway,
    operate,
    async operateJson(args, options) {
      const { status, stdout, stderr } = await operate([...args, "--json"], options);
      if (status !== 0) throw new Error(stderr);
      return stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));
    },
  };
}
