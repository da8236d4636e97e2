// examples/migrating/split.mjs: reads customers, keys and devices from an old table.

import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { stringify } from "csv-stringify/sync";
import { beforeEach, expect, test } from "vitest";
import { paste } from "./pages.ts";
import { type Outcome, temporaryFolder } from "./program.ts";

let checkout: string;
const inFolder = (name: string): string => resolve(checkout, "data/migration", name);

beforeEach(() => {
  checkout = temporaryFolder();
  mkdirSync(inFolder(""), { recursive: true });
  symlinkSync(resolve("examples"), resolve(checkout, "examples"));
});

type Row = readonly [deviceKey: string, customerKey: string, owner: string, name?: string];

function split(table: readonly Row[] | string | Buffer): Promise<Outcome> {
  const header = ["device_key", "customer_key", "owner", "name"];
  const isRaw = typeof table === "string" || Buffer.isBuffer(table);
  const csv = isRaw ? table : stringify([header, ...table.map((row) => [...row, ""].slice(0, 4))]);
  writeFileSync(inFolder("old.csv"), csv);
  return paste("node examples/migrating/split.mjs", { cwd: checkout });
}

const linesOf = (name: string): readonly string[] => readFileSync(inFolder(name), "utf8").trimEnd().split("\n");
const devices = (): readonly string[] => linesOf("devices.csv").slice(1);

/** The keys that each customer has. */
function keys(): Readonly<Record<string, readonly string[]>> {
  const keysOf = (id: string): string[] =>
    readdirSync(inFolder(`keys/${id}`)).map((file) => readFileSync(inFolder(`keys/${id}/${file}`), "utf8"));
  return Object.fromEntries(readdirSync(inFolder("keys")).map((id) => [id, keysOf(id).sort()]));
}

test("each owner becomes a customer with each of its keys once, unchanged", async () => {
  const odd = ' ends in "space" ';
  const table: readonly Row[] = [
    ["a", "one", "Acme", "A, the first"],
    ["b", "one", "Acme"],
    ["c", odd, "Acme"],
    ["d", "schlüssel", "Other"],
  ];
  expect(await split(table)).toEqual({ status: 0, stderr: "", stdout: "2 customers, 3 keys, 4 devices\n" });
  expect(linesOf("customers.txt")).toEqual(["acme Acme", "other Other"]);
  // Nobody else can read them.
  const [file = ""] = readdirSync(inFolder("keys/acme"));
  expect(statSync(inFolder("keys/acme")).mode & 0o777).toBe(0o700);
  expect(statSync(inFolder(`keys/acme/${file}`)).mode & 0o777).toBe(0o600);
  expect(keys()).toEqual({ acme: [odd, "one"], other: ["schlüssel"] });
  expect(linesOf("devices.csv")[0]).toBe("device_key,customer_id,name,shared_identity");
  expect(devices()).toEqual(['a,acme,"A, the first",', "b,acme,,", "c,acme,,", "d,other,,"]);
});

test("customer_ids are valid and unique", async () => {
  const expected = [
    ["Acme Ltd", "acme-ltd"],
    ["ACME, Ltd.", "acme-ltd-2"],
    ["Öst & Co.", "ost-co"],
    ["深圳", "owner"],
    ["北京", "owner-2"],
    ["A very long name of an owner", "a-very-long-name"],
    ["A very long name", "a-very-long-na-2"],
    ["7", "7"],
  ] as const;
  await split(expected.map(([owner], at) => [`device-${at}`, "one", owner]));
  expect(linesOf("customers.txt")).toEqual(expected.map(([owner, id]) => `${id} ${owner}`));
});

test("later runs keep the ids, also those chosen by hand, and keys that were moved to another customer of their owner", async () => {
  writeFileSync(inFolder("customers.txt"), "c-17 Acme\n");
  const table: readonly Row[] = ["one", "two", "three"].map((key) => [key, key, "Acme"]);
  await split(table.slice(2));
  const [file = ""] = readdirSync(inFolder("keys/c-17"));
  await split(table);
  expect(keys()).toEqual({ "c-17": ["one", "three", "two"] });
  const later: readonly Row[] = [...table, ["four", "four", "Acme"], ["five", "one", "Newcomer"]];
  for (let run = 0; run < 2; run++) {
    await split(later);
    expect(keys()).toEqual({ "acme-2": ["four"], "c-17": ["one", "three", "two"], newcomer: ["one"] });
    const rows = ["one,c-17,,", "two,c-17,,", "three,c-17,,", "four,acme-2,,", "five,newcomer,,"];
    expect(devices()).toEqual(rows);
  }
  renameSync(inFolder(`keys/c-17/${file}`), inFolder(`keys/acme-2/${file}`));
  await split(later);
  expect(keys()).toEqual({ "acme-2": ["four", "three"], "c-17": ["one", "two"], newcomer: ["one"] });
  expect(devices()).toContain("three,acme-2,,");
});

test("a device_key of several boards is a shared identity: by the table, or by fleets.txt", async () => {
  writeFileSync(inFolder("fleets.txt"), "b\r\n");
  await split(["a", "b", "c", "c"].map((device) => [device, "one", "Acme"]));
  expect(devices()).toEqual(["a,acme,,", "b,acme,,true", "c,acme,,true"]);
});

test("a row that cannot be migrated is left out and reported with its line, without its key", async () => {
  const { status, stdout, stderr } = await split([
    ["a", "secret-one", "Acme"],
    ["a", "secret-one", "Other"],
    ["a", "secret-two", "Acme"],
    ["", "secret-one", "Acme"],
    ["b", "", "Acme"],
    ["c", "secret-one", " "],
    ["d", "secret\none", "Acme"],
    ["e", "secret-one", "Acme"],
  ]);
  const other = "line 2 has its device_key with another owner or customer_key";
  const missing = "it has no device_key, customer_key or owner";
  const reasons = {
    3: other,
    4: other,
    5: missing,
    6: missing,
    7: missing,
    9: "its customer_key has a line break in it",
  };
  const left = Object.entries(reasons).map(
    ([line, why]) => `old.csv, the device that ends in line ${line}: left out, ${why}\n`,
  );
  expect([status, stdout, stderr]).toEqual([1, "1 customers, 1 keys, 2 devices\n", left.join("")]);
});

test.each([
  ["device_key,customer_key\na,one\n", "old.csv has no column owner, or no devices"],
  ["device_key,customer_key,owner\n", "old.csv has no column device_key, or no devices"],
  [Buffer.from("device_key,customer_key,owner\na,schl\xfcssel,Acme\n", "latin1"), "old.csv is not UTF-8"],
])("a file that is not such a table changes nothing: %s", async (table, message) => {
  expect(await split(table)).toMatchObject({ status: 1, stderr: expect.stringContaining(message) });
  expect(readdirSync(inFolder(""))).toEqual(["old.csv"]);
});
