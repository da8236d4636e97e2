// `countersign explain` as an operator uses it: against a gateway that runs, with a request from a file or a pipe.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCommand } from "../command.ts";
import { ADMIN_TOKEN, CUSTOMER_KEY, startTestGateway } from "../gateway.ts";
import { temporaryFolder } from "../program.ts";

const NOW = 1_764_000_000_000;

/** A gateway whose clock stands, a device, and ways to sign and to explain. */
async function openDesk() {
  const gateway = await startTestGateway({}, { now: () => NOW });
  const deviceKey = await gateway.enrol();
  const folder = temporaryFolder();
  const env = {
    COUNTERSIGN_INTERNAL_URL: gateway.internalUrl,
    COUNTERSIGN_ADMIN_TOKEN: ADMIN_TOKEN,
    COUNTERSIGN_CUSTOMER_KEY: CUSTOMER_KEY,
    COUNTERSIGN_DATA_DIR: folder,
  };
  return {
    deviceKey,
    file: join(folder, "request.json"),
    async sign(timestamp: number): Promise<string> {
      return (await runCommand(["sign", "--device-key", deviceKey, "--timestamp", String(timestamp)], { env })).stdout;
    },
    explain: (body: string, ...args: readonly string[]) =>
      runCommand(["explain", "--device-key", deviceKey, ...args], { env, input: body }),
  };
}

test("what is right is told in one line, and the status is 0", async () => {
  const { sign, explain, file } = await openDesk();
  const body = await sign(NOW / 1000);
  writeFileSync(file, body);
  for (const from of [file, "-"]) {
    const { status, stdout, stderr } = await explain(body, "--body", from);
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^nothing_wrong: [^\n]+\n$/);
  }
});

test("each mistake has a line, and the status is 1", async () => {
  const { sign, explain } = await openDesk();
  const body = (await sign(12_345))
    .replace('"device_signature":"', '"device_signature":"SHA2-256(stdin)= ')
    .replace("}", ",}");
  const { status, stdout, stderr } = await explain(body, "--body", "-");
  expect(status).toBe(1);
  expect(stdout.split("\n").map((line) => line.split(":")[0])).toEqual([
    "trailing_comma",
    "openssl_label",
    "clock_never_set",
    "signature_right",
    "",
  ]);
  expect(stderr).toBe("countersign: this login would be refused (docs/explain.md describes each finding)\n");
});

test("with --json it is the contract's answer", async () => {
  const { sign, explain } = await openDesk();
  const body = await sign(NOW / 1000 - 7_980);
  const late = await explain(body, "--body", "-", "--json");
  expect([late.status, JSON.parse(late.stdout)]).toEqual([
    1,
    {
      would_succeed: false,
      findings: [
        { code: "clock_behind", message: expect.stringContaining("2 h 13 min behind") },
        { code: "signature_right", message: expect.any(String) },
      ],
    },
  ]);
  expect(JSON.parse(late.stderr).error).toMatchObject({ findings: ["clock_behind", "signature_right"] });

  const then = new Date(NOW - 7_980_000).toISOString();
  const punctual = await explain(body, "--body", "-", "--at", then, "--json");
  expect([punctual.status, JSON.parse(punctual.stdout)]).toMatchObject([0, { would_succeed: true }]);
});

test("a body of any bytes arrives as it is", async () => {
  const { explain, file } = await openDesk();
  writeFileSync(file, Buffer.from([0x7b, 0xff, 0xfe, 0x00]));
  const { status, stdout } = await explain("", "--body", file);
  expect(status).toBe(1);
  expect(stdout).toContain("not valid UTF-8");
});

test("a body that cannot be read, a time that is none and a name that is missing are told, with status 2", async () => {
  const { explain } = await openDesk();
  const missing = await explain("", "--body", "/nowhere/request.json");
  expect([missing.status, missing.stderr]).toEqual([2, "countersign: /nowhere/request.json cannot be read (ENOENT)\n"]);
  const when = await explain("{}", "--body", "-", "--at", "yesterday");
  expect(when.status).toBe(2);
  expect(when.stderr).toContain("RFC 3339");
  const nobody = await runCommand(["explain", "--body", "-"]);
  expect(nobody.status).toBe(2);
  expect(nobody.stderr).toContain("--device-key");
});
