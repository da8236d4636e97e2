// Runs commands as the operator of a test's own gateway.

import type { GatewayOptions } from "../../src/app.ts";
import { type CommandOptions, runCommand } from "../command.ts";
import { ADMIN_TOKEN, startFileGateway, startTestGateway, type TestGateway } from "../gateway.ts";
import { type Command, type Outcome, startCommand } from "../program.ts";

/** The settings that `serve` needs without --dev. */
export const REQUIRED = {
  COUNTERSIGN_MASTER_KEY: "00".repeat(32),
  COUNTERSIGN_ADMIN_TOKEN: ADMIN_TOKEN,
  COUNTERSIGN_ISSUER: "https://login.example",
  COUNTERSIGN_AUDIENCE: "devices",
};

export interface Operator {
  readonly gateway: TestGateway;
  /** The environment of the commands. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs `countersign` with these arguments. */
  operate(args: readonly string[], options?: CommandOptions): Promise<Outcome>;
  /** Starts a command in its own process. */
  spawn(args: readonly string[]): Command;
  /** Runs `countersign --json`. @returns the printed objects, one for each line. @throws Error when it fails */
  operateJson(args: readonly string[], options?: CommandOptions): Promise<readonly Record<string, unknown>[]>;
}

/** Starts a gateway for the tests of the calling file. */
export async function startFileOperator(options: GatewayOptions = {}): Promise<Operator> {
  return operatorOf(await startFileGateway({}, options));
}

/** Starts a gateway for the calling test. */
export async function startTestOperator(options: GatewayOptions = {}): Promise<Operator> {
  return operatorOf(await startTestGateway({}, options));
}

function operatorOf(gateway: TestGateway): Operator {
  const env = { COUNTERSIGN_INTERNAL_URL: gateway.internalUrl, COUNTERSIGN_ADMIN_TOKEN: ADMIN_TOKEN };
  const operate: Operator["operate"] = (args, options = {}) =>
    runCommand(args, { ...options, env: { ...env, ...options.env } });
  return {
    gateway,
    env,
    operate,
    spawn: (args) => startCommand(args, { env }),
    async operateJson(args, options) {
      const { status, stdout, stderr } = await operate([...args, "--json"], options);
      if (status !== 0) throw new Error(stderr);
      return stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));
    },
  };
}
