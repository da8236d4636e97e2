// `countersign explain`, against a real gateway.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { computeSignature, secretFromText } from "../../src/core/signature.ts";
import { CUSTOMER_KEY } from "../gateway.ts";
import { temporaryFolder } from "../program.ts";
import { startFileOperator } from "./operator.ts";

const NOW = 1_764_000_000_000;
const operator = await startFileOperator({ now: () => NOW });
const deviceKey = await operator.gateway.enrol();

function bodyAt(timestamp: number): string {
  const device_signature = computeSignature(secretFromText(CUSTOMER_KEY), timestamp, deviceKey).toString("hex");
  return JSON.stringify({ device_key: deviceKey, timestamp, device_signature });
}

const explain = (input: string, ...args: readonly string[]) =>
  operator.operate(["explain", "--device-key", deviceKey, ...args], { input });

test("a correct login, in a file or on standard input, has status 0", async () => {
  const file = join(temporaryFolder(), "request.json");
  writeFileSync(file, bodyAt(NOW / 1000));
  for (const from of [file, "-"]) {
    const { status, stdout, stderr } = await explain(bodyAt(NOW / 1000), "--body", from);
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^nothing_wrong: [^\n]+\n$/);
  }
});

test("a wrong login has status 1 and a line for each mistake", async () => {
  const body = bodyAt(12_345).replace('"device_signature":"', '"device_signature":"SHA2-256(stdin)= ');
  const { status, stdout, stderr } = await explain(body, "--body", "-");
  expect([status, stdout.split("\n").map((line) => line.split(":")[0])]).toEqual([
    1,
    ["malformed", "clock_never_set", "signature_right", ""],
  ]);
  expect(stderr).toBe("countersign: this login would fail\n");
});

test("--json prints the response of the contract, and --at sets the time of the login", async () => {
  const body = bodyAt(NOW / 1000 - 7_980);
  const late = await explain(body, "--body", "-", "--json");
  expect([late.status, JSON.parse(late.stdout)]).toMatchObject([
    1,
    { would_succeed: false, findings: [{ code: "clock_behind" }, { code: "signature_right" }] },
  ]);
  expect(JSON.parse(late.stderr).error).toMatchObject({ findings: ["clock_behind", "signature_right"] });
  const then = new Date(NOW - 7_980_000).toISOString();
  const atSendTime = await explain(body, "--body", "-", "--at", then, "--json");
  expect([atSendTime.status, JSON.parse(atSendTime.stdout)]).toMatchObject([0, { would_succeed: true }]);
});
