// `countersign devices export`, and lists of several pages.

import { once } from "node:events";
import { readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { startFileOperator, startTestOperator } from "../command.ts";
import { paste } from "../pages.ts";
import { startCommand, temporaryFolder } from "../program.ts";

const { gateway, env, operate, operateJson, expectOutput } = await startFileOperator();

/** More than two pages. */
const COUNT = 2_100;
const KEYS = Array.from({ length: COUNT }, (_, at) => `many-${String(at).padStart(4, "0")}`);

const { customers, importDevices } = gateway.registry;
for (const id of ["many", "few"]) await customers.create({ customerId: id }, GATEWAY);
const rows = KEYS.map((deviceKey) => ({ deviceKey, customerId: "many" }));
for (let from = 0; from < COUNT; from += 700) await importDevices(rows.slice(from, from + 700), GATEWAY);
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

test("a list is printed whole and in order: JSON lines, or a table with one header", async () => {
  const list = "devices list --customer many";
  expect((await operateJson(list)).map(({ device_key }) => device_key)).toEqual(KEYS);
  const { stdout } = await operate(`${list} --filter 'device_key >= "many-0500"' --limit 1100`);
  const [head, first, ...others] = stdout.trimEnd().split("\n");
  expect([head, others.length]).toEqual([expect.stringMatching(/^device_key +customer_id +status/), 1_099]);
  expect(first).toMatch(/^many-0500 +many +enabled +shared +- +- +-$/);
});

test.each(["list --json", "export"])("devices %s ends quietly when the reader goes away", async (line) => {
  const child = startCommand(["devices", ...line.split(" ")], { env });
  const errors = text(child.stderr);
  await once(child.stdout, "data");
  child.stdout.destroy();
  expect([await once(child, "exit"), await errors]).toEqual([[0, null], ""]);
});

test("export writes CSV without formulas, or NDJSON", async () => {
  const csv = [
    "device_key,customer_id,name,key_mode,shared_identity,replay_guard,labels,disabled,public_key",
    "'=1+1,few,''@SUM(1),shared,false,false,,false,",
    `"odd,""';=",few,"Pümpe ""7"", at 5"" =1+1",derived,true,false,"line=;site=a=b, c",false,`,
    "plain,few,,shared,false,false,,false,",
  ];
  await expectOutput("devices export --customer few", `${csv.join("\n")}\n`);
  const { stdout } = await operate("devices export --customer few --format ndjson");
  expect(stdout.split("\n")[2]).toBe(
    '{"device_key":"plain","customer_id":"few","name":"","key_mode":"shared","shared_identity":false,"replay_guard":false,"labels":{},"disabled":false,"public_key":""}',
  );
});

test.for(["csv", "ndjson"])(
  "import reads a %s file of export at another gateway, and no device differs",
  async (format) => {
    const file = join(temporaryFolder(), `devices.${format}`);
    const all = COUNT + 3;
    await expectOutput(`devices export --output ${file}`, `${all} devices in ${file}\n`);
    await expectOutput(`devices import ${file}`, `0 created, 0 updated, ${all} unchanged, 0 failed\n`);
    const other = await startTestOperator();
    for (const id of ["many", "few"]) await other.operate(`customers create --name ${id} --customer-id ${id}`);
    await other.expectOutput(`devices import ${file}`, `${all} created, 0 updated, 0 unchanged, 0 failed\n`);
    await other.expectOutput(`devices export --format ${format}`, readFileSync(file, "utf8"));
  },
);

test("--output makes a new file: it replaces none, and a failed export leaves none", async () => {
  const folder = temporaryFolder();
  const [file, link, other] = [join(folder, "devices.csv"), join(folder, "link.csv"), join(folder, "other.csv")];
  await operate(`devices export --output ${file} --customer few`);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const before = readFileSync(file, "utf8");
  symlinkSync(file, link);
  for (const taken of [file, link, "/dev/full"]) {
    const stderr = `countersign: ${taken} exists. Name a new file\n`;
    await expectOutput(`devices export --output ${taken}`, { status: 2, stderr });
  }
  const wrongToken = { env: { COUNTERSIGN_ADMIN_TOKEN: "another-token-0123456789" } };
  expect((await operate(`devices export --output ${other}`, wrongToken)).status).toBe(1);
  const unknown = `devices export --customer nobody --output ${other}`;
  await expectOutput(unknown, { status: 1, stderr: /does_not_exist/ });
  expect(readFileSync(file, "utf8")).toBe(before);
  expect(readdirSync(folder)).toEqual(["devices.csv", "link.csv"]);
  // Without a file an unknown customer is an error too.
  await expectOutput("devices export --customer nobody", { status: 1, stderr: /does_not_exist/ });
});

test("a disk that is full ends an export, and leaves no part of a file", async () => {
  const folder = temporaryFolder();
  const line = `ulimit -f 8; exec node ${resolve("bin/countersign.js")} devices export --output devices.csv`;
  const { status, stderr } = await paste(line, { cwd: folder, env: { ...env, NODE_COMPILE_CACHE: "" } });
  expect([status, stderr]).toEqual([2, expect.stringContaining("devices.csv cannot be written (EFBIG)\n")]);
  expect(readdirSync(folder)).toEqual([]);
});
