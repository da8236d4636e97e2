// Runs commands as the operator of a test's own gateway.

import { expect } from "vitest";
import type { GatewayOptions } from "../../src/app.ts";
import { type CommandOptions, runCommand } from "../command.ts";
import { ADMIN_TOKEN, startFileGateway, startTestGateway, type TestGateway } from "../gateway.ts";

/** The whole output, or a pattern of it. */
type Output = string | RegExp;

/** Where a member is absent, the command succeeds and prints nothing there. */
interface ExpectedOutcome {
  readonly status?: number;
  readonly stdout?: Output;
  readonly stderr?: Output;
}

/** The words of a command line, without their quotes. */
export function wordsOf(line: string): string[] {
  const words = [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)];
  return words.map(([, single, double, bare]) => single ?? double ?? bare ?? "");
}

/** Starts a gateway for the tests of the calling file. */
export async function startFileOperator(options: GatewayOptions = {}) {
  return operatorOf(await startFileGateway({}, options));
}

/** Starts a gateway for the calling test. */
export async function startTestOperator(options: GatewayOptions = {}) {
  return operatorOf(await startTestGateway({}, options));
}

function operatorOf(gateway: TestGateway) {
  const env = { COUNTERSIGN_INTERNAL_URL: gateway.internalUrl, COUNTERSIGN_ADMIN_TOKEN: ADMIN_TOKEN };

  function operate(line: string, options: CommandOptions = {}) {
    return runCommand(wordsOf(line), { ...options, env: { ...env, ...options.env } });
  }

  return {
    gateway,
    /** The environment of the commands. */
    env,
    operate,
    /** Runs a command, and compares its exit status and everything that it prints. */
    async expectOutput(line: string, expected: Output | ExpectedOutcome, options?: CommandOptions) {
      const isOutput = typeof expected === "string" || expected instanceof RegExp;
      const { status = 0, stdout = "", stderr = "" } = isOutput ? { stdout: expected } : expected;
      const matching = (output: Output) => (output instanceof RegExp ? expect.stringMatching(output) : output);
      const outcome = { status, stdout: matching(stdout), stderr: matching(stderr) };
      expect(await operate(line, options), line).toEqual(outcome);
    },
    /** Runs a command with --json. @returns the printed objects, one for each line. @throws Error when it fails */
    async operateJson(line: string, options?: CommandOptions): Promise<readonly Record<string, unknown>[]> {
      const { status, stdout, stderr } = await operate(`${line} --json`, options);
      if (status !== 0) throw new Error(stderr);
      return stdout.split("\n").flatMap((printed) => (printed === "" ? [] : [JSON.parse(printed)]));
    },
  };
}
