// `countersign devices export`, and lists of several pages, against a real gateway.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { beforeAll, expect, test } from "vitest";
import { GATEWAY } from "../../../src/core/registry/ports.ts";
import { temporaryFolder } from "../../program.ts";
import { startFileOperator, startTestOperator } from "../operator.ts";

/** More than two pages. */
const MANY = 2_100;

const operator = await startFileOperator();
beforeAll(async () => {
  const { customers, importDevices } = operator.gateway.registry;
  for (const customerId of ["many", "few"]) await customers.create({ customerId }, GATEWAY);
  for (let from = 0; from < MANY; from += 700) {
    const keys = Array.from({ length: 700 }, (_, index) => `many-${String(from + index).padStart(4, "0")}`);
    const rows = keys.map((deviceKey) => ({ deviceKey, customerId: "many" }));
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

test("a list is printed whole and in order: JSON lines, or a table with one header", async () => {
  const list = ["devices", "list", "--customer", "many"];
  const keys = (await operator.operateJson(list)).map(({ device_key }) => device_key);
  expect(keys).toHaveLength(MANY);
  expect(keys).toEqual(keys.toSorted());
  const { stdout } = await operator.operate([...list, "--filter", 'device_key >= "many-0500"', "--limit", "1100"]);
  const [head, first, ...others] = stdout.trimEnd().split("\n");
  expect([head, others.length]).toEqual([expect.stringMatching(/^device_key +customer_id +status/), 1_099]);
  expect(first).toMatch(/^many-0500 +many +enabled +shared +- +- +-$/);
});

test.each(["list --json", "export"])("devices %s ends quietly when the reader goes away", async (words) => {
  const child = operator.spawn(["devices", ...words.split(" ")]);
  const errors = text(child.stderr);
  await once(child.stdout, "data");
  child.stdout.destroy();
  expect([await once(child, "exit"), await errors]).toEqual([[0, null], ""]);
});

test("writes all devices, or one customer's, as CSV without formulas or as NDJSON", async () => {
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
  "import reads a %s file of export at another gateway, and no device differs",
  async (format) => {
    const file = join(temporaryFolder(), `devices.${format}`);
    const written = await operator.operate(["devices", "export", "--output", file]);
    expect(written).toEqual({ status: 0, stderr: "", stdout: `${MANY + 3} devices in ${file}\n` });
    const again = await operator.operate(["devices", "import", file]);
    expect(again.stdout).toBe(`0 created, 0 updated, ${MANY + 3} unchanged, 0 failed\n`);

    const other = await startTestOperator();
    for (const customerId of ["many", "few"]) {
      await other.operate(["customers", "create", "--name", customerId, "--customer-id", customerId]);
    }
    const imported = await other.operate(["devices", "import", file]);
    expect(imported.stdout).toBe(`${MANY + 3} created, 0 updated, 0 unchanged, 0 failed\n`);
    const { stdout } = await other.operate(["devices", "export", "--format", format]);
    expect(stdout).toBe(readFileSync(file, "utf8"));
  },
);

test("--output makes a new file: it replaces none, and a failed export leaves none", async () => {
  const { operate } = operator;
  const nowhere = await operate(["devices", "export", "--output", "/nowhere/devices.csv"]);
  const stderr = "countersign: /nowhere/devices.csv cannot be written (ENOENT)\n";
  expect(nowhere).toMatchObject({ status: 2, stderr });

  const folder = temporaryFolder();
  const [file, link, other] = [join(folder, "devices.csv"), join(folder, "link.csv"), join(folder, "other.csv")];
  await operate(["devices", "export", "--output", file, "--customer", "few"]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const before = readFileSync(file, "utf8");
  symlinkSync(file, link);
  for (const taken of [file, link, "/dev/full"]) {
    const exists = { status: 2, stdout: "", stderr: `countersign: ${taken} exists. Name a new file\n` };
    expect(await operate(["devices", "export", "--output", taken])).toEqual(exists);
  }
  const env = { COUNTERSIGN_ADMIN_TOKEN: "another-token-0123456789" };
  const refused = await operate(["devices", "export", "--output", other], { env });
  expect(refused.status).toBe(1);
  expect(readFileSync(file, "utf8")).toBe(before);
  expect(readdirSync(folder)).toEqual(["devices.csv", "link.csv"]);
});

test("a disk that is full ends an export, and leaves no part of a file", async () => {
  const folder = temporaryFolder();
  const launcher = join(import.meta.dirname, "../../../bin/countersign.js");
  const words = [process.execPath, launcher, "devices", "export", "--output", join(folder, "devices.csv")];
  const env = { ...process.env, ...operator.env, NODE_COMPILE_CACHE: "" };
  const child = spawn("sh", ["-c", 'ulimit -f 8; exec "$@"', "sh", ...words], { env });
  const [stderr, [status]] = await Promise.all([text(child.stderr), once(child, "exit")]);
  expect([status, stderr]).toEqual([2, expect.stringContaining("devices.csv cannot be written (EFBIG)\n")]);
  expect(readdirSync(folder)).toEqual([]);
});

test("an unknown customer is an error, without an empty file", async () => {
  const { operate } = operator;
  const file = join(temporaryFolder(), "devices.csv");
  for (const words of [[], ["--output", file]]) {
    const nobody = await operate(["devices", "export", "--customer", "nobody", ...words]);
    expect(nobody).toMatchObject({ status: 1, stdout: "", stderr: expect.stringContaining("does_not_exist") });
  }
  expect(existsSync(file)).toBe(false);
});
