// `countersign devices import`, against a real gateway.

import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../program.ts";
import { startFileOperator, startTestOperator } from "../operator.ts";

const operator = await startFileOperator();

const HEADER = "device_key,customer_id,name,key_mode,shared_identity,replay_guard,labels\n";

function fileOf(name: string, content: string | Buffer): string {
  const file = join(temporaryFolder(), name);
  writeFileSync(file, content);
  return file;
}

test("valid lines are imported, and invalid lines are reported", async () => {
  const { operate, gateway } = operator;
  const { customerId, registry } = gateway;
  const file = fileOf(
    "devices.csv",
    `${HEADER}line-2,${customerId},"Pump, ""one""",derived,on,off,site=north\nbad 3,${customerId},,,,,\nline-4,${customerId},"two\nlines",,,,\nline-6,${customerId},,,,,\nline-7,nobody,,,,,\nline-8,${customerId}\n`,
  );
  const result = await operate(["devices", "import", file]);
  expect(result.status).toBe(1);
  expect(result.stdout).toBe("2 created, 0 updated, 0 unchanged, 4 failed\n");
  expect(result.stderr).toBe(
    [
      "countersign: line 3: device_key has a character that is not visible ASCII at position 4",
      "countersign: line 4: name has a control character at position 4. Remove it",
      "countersign: line 7: no customer has this customer_id",
      "countersign: line 8: it has 2 columns and the header has 7. A value with a delimiter has to be quoted",
      "countersign: 4 lines were not imported",
      "",
    ].join("\n"),
  );
  expect(await registry.devices.get("line-2")).toMatchObject({
    customerId,
    displayName: 'Pump, "one"',
    keyMode: "derived",
    sharedIdentity: true,
    replayGuard: false,
    labels: { site: "north" },
  });

  const json = await operate(["devices", "import", file, "--json"]);
  expect(json.status).toBe(1);
  expect(JSON.parse(json.stdout)).toEqual({ created: 0, updated: 0, unchanged: 2, failed: 4 });
  const lines = JSON.parse(`[${json.stderr.trimEnd().replaceAll("\n", ",")}]`);
  expect(lines.slice(1, 4)).toEqual([
    expect.objectContaining({ line: 4, reason: "malformed", field: "name" }),
    { line: 7, reason: "does_not_exist", field: "customer_id", message: "no customer has this customer_id" },
    expect.objectContaining({ line: 8, reason: "malformed", field: "" }),
  ]);
  expect(lines[4]).toEqual({ error: { failed: 4, message: "4 lines were not imported" } });
});

test("reads standard input with --customer; the later of two lines of a device wins", async () => {
  const { operate, gateway } = operator;
  const input = [
    { device_key: "later", name: "first" },
    { device_key: "own", customer_id: "nobody" },
    { device_key: "later", name: "second" },
  ];
  const words = ["devices", "import", "-", "--customer", gateway.customerId];
  const outcome = await operate(words, { input: input.map((line) => `${JSON.stringify(line)}\n`).join("") });
  expect(outcome.stdout).toBe("1 created, 1 updated, 0 unchanged, 1 failed\n");
  expect(outcome.stderr).toContain("countersign: line 2: no customer has this customer_id\n");
  expect(await gateway.registry.devices.get("later")).toMatchObject({ displayName: "second" });
});

test("an import with wrong options changes nothing, and says what to do", async () => {
  const { operate, gateway } = operator;
  const valid = `${HEADER}never,${gateway.customerId},,,,,\n`;
  const cases: readonly (readonly [readonly string[], string])[] = [
    [["/nowhere/devices.csv"], "/nowhere/devices.csv cannot be read (ENOENT)"],
    [[temporaryFolder()], "cannot be read (EISDIR)"],
    [[fileOf("devices.csv", "")], "is empty. It has to begin with a header, or to be NDJSON"],
    [
      [fileOf("devices.csv", Buffer.from(valid, "utf16le"))],
      "is not UTF-8 text. Save it as CSV in UTF-8, or as NDJSON",
    ],
    [[fileOf("devices.csv", "device_kye,customer_id\n")], 'there is no column "device_kye". Is it device_key?'],
    [[fileOf("devices.csv", valid), "--from-line", "soon"], "Write a whole number from 1."],
    [
      [fileOf("devices.csv", `device_key,customer_id,name\nquote-1,${gateway.customerId},5" pipe\n`)],
      "has a double quote out of place at line 2. Write it twice inside a quoted value",
    ],
  ];
  for (const [words, message] of cases) {
    const outcome = await operate(["devices", "import", ...words], { input: valid });
    expect(outcome).toMatchObject({ status: 2, stdout: "" });
    expect(outcome.stderr).toContain(message);
  }
  await expect(gateway.registry.devices.get("never")).rejects.toThrow("no device");
});

test("the error of a row without a customer names --customer", async () => {
  const result = await operator.operate(["devices", "import", fileOf("devices.ndjson", '{"device_key":"a"}\n')]);
  expect(result.stderr).toMatch(/line 1: customer_id [^\n]+\. Add it, or give --customer ID for all\n/);
});

test("lines with many labels go in smaller requests, and do not fail others", async () => {
  const { operate, gateway } = operator;
  const labels = Array.from({ length: 340 }, (_, at) => `l${at}=`).join(";");
  const many = Array.from({ length: 600 }, (_, at) => `many-${at},${gateway.customerId},,,,,${labels}\n`).join("");
  const lines = `${HEADER}first,${gateway.customerId},,,,,\n${many}last,${gateway.customerId},,,,,\n`;
  const result = await operate(["devices", "import", fileOf("devices.csv", lines)]);
  expect(result.stdout).toBe("2 created, 0 updated, 0 unchanged, 600 failed\n");
});

test("warns of the first device_key that overflows a buffer of old firmware", async () => {
  const { operate, gateway } = operator;
  const lines = ["short", "a".repeat(32), "b".repeat(40)].map((key) => `${key},${gateway.customerId},,,,,\n`);
  const result = await operate(["devices", "import", fileOf("devices.csv", HEADER + lines.join(""))]);
  expect(result.status).toBe(0);
  expect(result.stderr).toBe(
    "countersign: line 3: device_key has 32 characters. Over 31 it overflows the buffer of 42 bytes in ESP8266 firmware in the field. Later lines with this problem are not named\n",
  );
});

/** More lines than two requests take. The header is line 1. */
const MANY = 3_000;
const LINES = `device_key\n${Array.from({ length: MANY }, (_, at) => `long-${String(at).padStart(4, "0")}\n`).join("")}`;

/** Starts an import that waits for more input, and resolves once the gateway has answered a request of it. */
async function startLongImport() {
  const { gateway, operate, spawn } = await startTestOperator();
  const words = ["devices", "import", "-", "--customer", gateway.customerId];
  const child = spawn(words);
  const stderr = text(child.stderr);
  child.stdin.write(LINES);
  // The second request is sent after the answer to the first.
  await expect.poll(() => gateway.registry.devices.get("long-1499").catch(() => undefined)).toBeDefined();
  return { gateway, operate, words, child, stderr };
}

const STOPPED =
  /^countersign: stopped at line (\d+): the lines before it are imported\. Run the same command with --from-line \1\n/;

test("a signal ends an import, which names the line that it resumes at", async () => {
  const { operate, words, child, stderr } = await startLongImport();
  child.kill("SIGINT");
  expect(await once(child, "exit")).toEqual([130, null]);
  expect(await stderr).toMatch(/\ncountersign: stopped by a signal\n$/);
  const [, line = ""] = STOPPED.exec(await stderr) ?? [];
  const { status, stdout } = await operate([...words, "--from-line", line], { input: LINES });
  expect(status).toBe(0);
  const counts = [...stdout.matchAll(/\d+/g)].map(([count]) => Number(count));
  expect(counts.reduce((sum, count) => sum + count)).toBe(MANY + 2 - Number(line));
  expect((await operate(["devices", "list", "--count"])).stdout).toBe(`${MANY}\n`);
});

test("an import whose gateway goes away names the line that it stopped at", async () => {
  const { gateway, child, stderr } = await startLongImport();
  await gateway.close();
  child.stdin.end("one-more\n");
  expect(await once(child, "exit")).toEqual([1, null]);
  expect(await stderr).toMatch(STOPPED);
  // A connection that is reused may be closed a moment before the request.
  expect(await stderr).toMatch(
    /\ncountersign: (no gateway answers at )?http:\S+ (closed the connection )?\(\w+\)\. .*\n$/,
  );
});

test("reads semicolons as separators; disabled can be set and cleared", async () => {
  const { operate, gateway } = operator;
  const { customerId, registry } = gateway;
  const file = fileOf(
    "devices.csv",
    `\ufeffdevice_key;customer_id;labels;disabled\r\nsheet-1;${customerId};"site=north;line=7;__proto__=x";true\r\nsheet-2;${customerId};;\r\n`,
  );
  expect((await operate(["devices", "import", file])).stdout).toBe("2 created, 0 updated, 0 unchanged, 0 failed\n");
  expect(await registry.devices.get("sheet-1")).toMatchObject({
    status: "disabled",
    labels: JSON.parse('{"site": "north", "line": "7", "__proto__": "x"}'),
  });
  const exported = (await operate(["devices", "export"])).stdout;
  expect(exported).toMatch(/^sheet-1,.*,true,$/m);
  expect(exported).toMatch(/^sheet-2,.*,false,$/m);
  const enabled = fileOf("devices.csv", exported.replace(/^(sheet-1,.*),true,$/m, "$1,false,"));
  expect((await operate(["devices", "import", enabled])).stdout).toMatch(/^0 created, 1 updated/);
  expect(await registry.devices.get("sheet-1")).toMatchObject({ status: "enabled" });
});

test("--dry-run reports the outcome of each line, and changes nothing", async () => {
  const { operate, gateway } = operator;
  const file = fileOf("devices.csv", `device_key,customer_id\ndry-1,${gateway.customerId}\ndry-2,nobody\n`);
  const result = await operate(["devices", "import", file, "--dry-run"]);
  expect([result.status, result.stdout]).toEqual([1, "1 created, 0 updated, 0 unchanged, 1 failed\n"]);
  expect(result.stderr).toContain("line 3: no customer has this customer_id");
  await expect(gateway.registry.devices.get("dry-1")).rejects.toThrow("no device");
});
