// `countersign devices export`, against a real gateway.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, lstatSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { GATEWAY } from "../../../src/core/registry/ports.ts";
import { ADMIN_TOKEN } from "../../gateway.ts";
import { temporaryFolder } from "../../program.ts";
import { type Operator, openOperator } from "../operator.ts";

/** More than two pages. */
const MANY = 2_100;

let operator: Operator;
beforeAll(async () => {
  operator = await openOperator();
  const { customers, importDevices } = operator.gateway.registry;
  for (const customerId of ["many", "few"]) {
    await customers.create({ customerId, displayName: "", status: "enabled", loginLimit: "" }, GATEWAY);
  }
  for (let from = 0; from < MANY; from += 700) {
    const rows = Array.from({ length: 700 }, (_, place) => ({
      deviceKey: `many-${from + place}`,
      customerId: "many",
    }));
    await importDevices(rows, GATEWAY);
  }
  const odd = {
    deviceKey: `odd,"';=`,
    customerId: "few",
    displayName: 'Pümpe "7", at 5" =1+1',
    keyMode: "derived",
    sharedIdentity: true,
    replayGuard: false,
    labels: { site: "a=b, c", line: "" },
  } as const;
  const formula = { deviceKey: "=1+1", customerId: "few", displayName: "'@SUM(1)" };
  await importDevices([odd, formula, { deviceKey: "plain", customerId: "few" }], GATEWAY);
});
afterAll(() => operator.gateway.close());

test("writes CSV without formulas, or NDJSON, of all devices or of one customer's", async () => {
  const { operate } = operator;
  const csv = await operate(["devices", "export", "--customer", "few"]);
  expect(csv).toEqual({
    status: 0,
    stderr: "",
    stdout: [
      "device_key,customer_id,name,key_mode,shared_identity,replay_guard,labels,disabled,public_key",
      "'=1+1,few,''@SUM(1),shared,false,false,,false,",
      `"odd,""';=",few,"Pümpe ""7"", at 5"" =1+1",derived,true,false,"line=;site=a=b, c",false,`,
      "plain,few,,shared,false,false,,false,",
      "",
    ].join("\n"),
  });
  const { stdout } = await operate(["devices", "export", "--customer", "few", "--format", "ndjson"]);
  expect(stdout.split("\n")[2]).toBe(
    '{"device_key":"plain","customer_id":"few","name":"","key_mode":"shared","shared_identity":false,"replay_guard":false,"labels":{},"disabled":false,"public_key":""}',
  );
  const all = await operate(["devices", "export"]);
  expect(all.stdout.trimEnd().split("\n")).toHaveLength(1 + MANY + 3);
});

test.for(["csv", "ndjson"])(
  "import takes a file that export wrote as %s into another gateway unchanged",
  async (format) => {
    const file = join(temporaryFolder(), `devices.${format}`);
    const written = await operator.operate(["devices", "export", "--output", file]);
    expect(written).toEqual({ status: 0, stderr: "", stdout: `${MANY + 3} devices in ${file}\n` });
    const again = await operator.operate(["devices", "import", file]);
    expect(again.stdout).toBe(`0 created, 0 updated, ${MANY + 3} unchanged, 0 failed\n`);

    const other = await openOperator();
    try {
      for (const customerId of ["many", "few"]) {
        await other.operate(["customers", "create", "--name", customerId, "--customer-id", customerId]);
      }
      expect((await other.operate(["devices", "import", file])).stdout).toBe(
        `${MANY + 3} created, 0 updated, 0 unchanged, 0 failed\n`,
      );
      const { stdout } = await other.operate(["devices", "export", "--format", format]);
      expect(stdout).toBe(readFileSync(file, "utf8"));
    } finally {
      await other.gateway.close();
    }
  },
);

test("an unwritable file is an error, and an existing file is replaced only by a whole one", async () => {
  const { operate } = operator;
  const nowhere = await operate(["devices", "export", "--output", "/nowhere/devices.csv"]);
  expect(nowhere).toMatchObject({
    status: 2,
    stderr: "countersign: /nowhere/devices.csv cannot be written (ENOENT)\n",
  });

  const file = join(temporaryFolder(), "devices.csv");
  await operate(["devices", "export", "--output", file, "--customer", "few"]);
  const before = readFileSync(file, "utf8");
  const refused = await operate(["devices", "export", "--output", file], {
    env: { COUNTERSIGN_ADMIN_TOKEN: "another-token-0123456789" },
  });
  expect(refused.status).toBe(1);
  expect(readFileSync(file, "utf8")).toBe(before);
  expect(readdirSync(dirname(file))).toEqual(["devices.csv"]);
});

test("export writes into a device or pipe instead of replacing it", async () => {
  const { operate } = operator;
  const { stdout: csv } = await operate(["devices", "export", "--customer", "few"]);
  const folder = temporaryFolder();
  const [target, link, pipe] = [join(folder, "target.csv"), join(folder, "link.csv"), join(folder, "pipe.csv")];
  writeFileSync(target, "before");
  symlinkSync(target, link);
  await promisify(execFile)("mkfifo", [pipe]);
  // A link at a guessable temporary name is not followed.
  symlinkSync(target, join(folder, "new.csv.part"));

  const words = ["devices", "export", "--customer", "few", "--output"];
  expect((await operate([...words, link])).status).toBe(0);
  expect([lstatSync(link).isSymbolicLink(), readFileSync(target, "utf8")]).toEqual([true, csv]);
  const [read, written] = await Promise.all([readFile(pipe, "utf8"), operate([...words, pipe])]);
  expect([read, written.status, lstatSync(pipe).isFIFO()]).toEqual([csv, 0, true]);
  writeFileSync(target, "before");
  expect((await operate([...words, join(folder, "new.csv")])).status).toBe(0);
  expect(readFileSync(target, "utf8")).toBe("before");
  const full = await operate([...words, "/dev/full"]);
  expect(full).toMatchObject({ status: 2, stderr: "countersign: /dev/full cannot be written (ENOSPC)\n" });
});

test("an unknown customer or file format is an error, without an empty file", async () => {
  const { operate } = operator;
  const nobody = await operate(["devices", "export", "--customer", "nobody"]);
  expect(nobody).toMatchObject({ status: 1, stdout: "", stderr: expect.stringContaining("does_not_exist") });
  const file = join(temporaryFolder(), "devices.txt");
  const unclear = await operate(["devices", "export", "--output", file]);
  expect(unclear).toMatchObject({ status: 2, stderr: expect.stringContaining("ends in neither .csv nor .ndjson") });
  expect(existsSync(file)).toBe(false);
  expect((await operate(["devices", "export", "--output", file, "--format", "csv"])).status).toBe(0);
});

test("a reader that closes the pipe ends the export without an error", async () => {
  const launcher = join(import.meta.dirname, "../../../bin/countersign.js");
  const child = spawn(process.execPath, [launcher, "devices", "export"], {
    env: {
      ...process.env,
      COUNTERSIGN_INTERNAL_URL: operator.gateway.internalUrl,
      COUNTERSIGN_ADMIN_TOKEN: ADMIN_TOKEN,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const told = text(child.stderr);
  await once(child.stdout, "data");
  child.stdout.destroy();
  const [status] = await once(child, "exit");
  expect([status, await told]).toEqual([0, ""]);
});
