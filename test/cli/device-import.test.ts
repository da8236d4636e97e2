// `countersign devices import`.

import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { startFileOperator, startTestOperator } from "../command.ts";
import { startCommand, temporaryFolder } from "../program.ts";

const { gateway, operate, expectOutput } = await startFileOperator();
const { customerId, registry } = gateway;
const { devices } = registry;

const HEADER = "device_key,customer_id,name,key_mode,shared_identity,replay_guard,labels\n";

/** Writes a file of the test. @returns its path */
function fileOf(content: string | Buffer): string {
  const file = join(temporaryFolder(), "devices");
  writeFileSync(file, content);
  return file;
}

test("valid lines are imported, and invalid lines are reported", async () => {
  const lines = [
    `line-2,${customerId},"Pump, ""one""",derived,on,off,site=north`,
    `bad 3,${customerId},,,,,`,
    `line-4,${customerId},"two\nlines",,,,`,
    `line-6,${customerId},,,,,`,
    "line-7,nobody,,,,,",
    `line-8,${customerId}`,
  ];
  const file = fileOf(`${HEADER}${lines.join("\n")}\n`);
  const mistakes = [
    "line 3: device_key has a character that is not visible ASCII at position 4",
    "line 4: name has a control character at position 4. Remove it",
    "line 7: no customer has this customer_id",
    "line 8: it has 2 columns and the header has 7. A value with a delimiter has to be quoted",
    "4 lines were not imported",
  ];
  await expectOutput(`devices import ${file}`, {
    status: 1,
    stdout: "2 created, 0 updated, 0 unchanged, 4 failed\n",
    stderr: mistakes.map((mistake) => `countersign: ${mistake}\n`).join(""),
  });
  expect(await devices.get("line-2")).toMatchObject({
    customerId,
    displayName: 'Pump, "one"',
    keyMode: "derived",
    sharedIdentity: true,
    replayGuard: false,
    labels: { site: "north" },
  });

  const { status, stdout, stderr } = await operate(`devices import ${file} --json`);
  expect([status, JSON.parse(stdout)]).toEqual([1, { created: 0, updated: 0, unchanged: 2, failed: 4 }]);
  expect(JSON.parse(`[${stderr.trimEnd().replaceAll("\n", ",")}]`).slice(1)).toEqual([
    expect.objectContaining({ line: 4, reason: "malformed", field: "name" }),
    { line: 7, reason: "does_not_exist", field: "customer_id", message: "no customer has this customer_id" },
    expect.objectContaining({ line: 8, reason: "malformed", field: "" }),
    { error: { failed: 4, message: "4 lines were not imported" } },
  ]);
});

test("import reads standard input with --customer; the later of two lines of a device wins", async () => {
  const rows = [
    { device_key: "later", name: "first" },
    { device_key: "own", customer_id: "nobody" },
    { device_key: "later", name: "second" },
  ];
  const input = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  const stdout = "1 created, 1 updated, 0 unchanged, 1 failed\n";
  const stderr = /^countersign: line 2: no customer has this customer_id\n/;
  await expectOutput(`devices import - --customer ${customerId}`, { status: 1, stdout, stderr }, { input });
  expect(await devices.get("later")).toMatchObject({ displayName: "second" });
});

const NEVER = `${HEADER}never,${customerId},,,,,\n`;

test.each<[file: string | Buffer, mistake: string]>([
  ["", "is empty. It has to begin with a header, or to be NDJSON"],
  [Buffer.from(NEVER, "utf16le"), "is not UTF-8 text. Save it as CSV in UTF-8, or as NDJSON"],
  [NEVER.replace("device_key", "device_kye"), 'there is no column "device_kye". Is it device_key?'],
  [
    `${HEADER}quote-1,${customerId},5" pipe,,,,\n`,
    "has a double quote out of place at line 2. Write it twice inside a",
  ],
])("import of %j changes nothing, and says what to do", async (content, mistake) => {
  const { status, stdout, stderr } = await operate(`devices import ${fileOf(content)}`);
  expect([status, stdout, stderr]).toEqual([2, "", expect.stringContaining(mistake)]);
  await expect(devices.get("never")).rejects.toThrow("no device");
});

test("import names --customer for a row without a customer", async () => {
  const { stderr } = await operate(`devices import ${fileOf('{"device_key":"a"}\n')}`);
  expect(stderr).toMatch(/line 1: customer_id [^\n]+\. Add it, or give --customer ID for all\n/);
});

test("lines with many labels go in smaller requests, and do not fail others", async () => {
  const labels = Array.from({ length: 340 }, (_, at) => `l${at}=`).join(";");
  const many = Array.from({ length: 600 }, (_, at) => `labels-${at},${customerId},,,,,${labels}\n`).join("");
  const file = fileOf(`${HEADER}first,${customerId},,,,,\n${many}last,${customerId},,,,,\n`);
  expect((await operate(`devices import ${file}`)).stdout).toBe("2 created, 0 updated, 0 unchanged, 600 failed\n");
});

test("import warns of the first device_key that overflows a buffer of old firmware", async () => {
  const lines = ["short", "a".repeat(32), "b".repeat(40)].map((key) => `${key},${customerId},,,,,\n`);
  const { stderr } = await operate(`devices import ${fileOf(HEADER + lines.join(""))}`);
  expect(stderr).toMatch(/^countersign: line 3: device_key has 32 characters\. [^\n]+ are not named\n$/);
});

test("import reads semicolons as separators; disabled can be set and cleared", async () => {
  const sheet = `\ufeffdevice_key;customer_id;labels;disabled\r\nsheet-1;${customerId};"site=north;line=7;__proto__=x";true\r\nsheet-2;${customerId};;\r\n`;
  await expectOutput(`devices import ${fileOf(sheet)}`, "2 created, 0 updated, 0 unchanged, 0 failed\n");
  const labels = JSON.parse('{"site": "north", "line": "7", "__proto__": "x"}');
  expect(await devices.get("sheet-1")).toMatchObject({ status: "disabled", labels });
  const { stdout } = await operate(`devices export --customer ${customerId}`);
  expect(stdout).toMatch(/^sheet-1,.*,true,\nsheet-2,.*,false,$/m);
  const enabled = fileOf(stdout.replace(/^(sheet-1,.*),true,$/m, "$1,false,"));
  expect((await operate(`devices import ${enabled}`)).stdout).toMatch(/^0 created, 1 updated/);
  expect(await devices.get("sheet-1")).toMatchObject({ status: "enabled" });
});

test("import --dry-run reports the outcome of each line, and changes nothing", async () => {
  const file = fileOf(`device_key,customer_id\ndry-1,${customerId}\ndry-2,nobody\n`);
  const stdout = "1 created, 0 updated, 0 unchanged, 1 failed\n";
  const stderr = /^countersign: line 3: no customer has this customer_id\n/;
  await expectOutput(`devices import ${file} --dry-run`, { status: 1, stdout, stderr });
  await expect(devices.get("dry-1")).rejects.toThrow("no device");
});

describe("an import that stops", () => {
  /** More lines than two requests take. The header is line 1. */
  const COUNT = 3_000;
  const input = `device_key\n${Array.from({ length: COUNT }, (_, at) => `long-${String(at).padStart(4, "0")}\n`).join("")}`;
  const STOPPED =
    /^countersign: stopped at line (\d+): the lines before it are imported\. Run the same command with --from-line \1\n/;

  /** Starts an import that waits for more input, and resolves once the gateway has answered a request of it. */
  async function startImport() {
    const operator = await startTestOperator();
    const line = `devices import - --customer ${operator.gateway.customerId}`;
    const child = startCommand(line.split(" "), { env: operator.env });
    const stderr = text(child.stderr);
    child.stdin.write(input);
    // The second request is sent after the answer to the first.
    const isImported = () => operator.gateway.registry.devices.get("long-1499").catch(() => undefined);
    await expect.poll(isImported).toBeDefined();
    return { ...operator, line, child, stderr };
  }

  test("by a signal names the line that it resumes at", async () => {
    const stopped = await startImport();
    stopped.child.kill("SIGINT");
    expect(await once(stopped.child, "exit")).toEqual([130, null]);
    const stderr = await stopped.stderr;
    expect(stderr).toMatch(/\ncountersign: stopped by a signal\n$/);
    const [, line = ""] = STOPPED.exec(stderr) ?? [];
    const { status, stdout } = await stopped.operate(`${stopped.line} --from-line ${line}`, { input });
    const counts = [...stdout.matchAll(/\d+/g)].map(([count]) => Number(count));
    expect([status, counts.reduce((sum, count) => sum + count)]).toEqual([0, COUNT + 2 - Number(line)]);
    await stopped.expectOutput("devices list --count", `${COUNT}\n`);
  });

  test("because its gateway goes away names the line that it stopped at", async () => {
    const { gateway: stopping, child, stderr } = await startImport();
    await stopping.close();
    child.stdin.end("one-more\n");
    expect(await once(child, "exit")).toEqual([1, null]);
    expect(await stderr).toMatch(STOPPED);
    // A connection that is reused may be closed a moment before the request.
    const away = /\ncountersign: (no gateway answers at )?http:\S+ (closed the connection )?\(\w+\)\. .*\n$/;
    expect(await stderr).toMatch(away);
  });
});
