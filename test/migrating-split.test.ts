// examples/migrating/split.mjs: the customers, keys and devices that it reads from the old server's table.

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { resolve } from "node:path";
import { stringify } from "csv-stringify/sync";
import { beforeEach, describe, expect, test } from "vitest";
import { paste } from "./pages.ts";
import { type Outcome, temporaryFolder } from "./program.ts";

let checkout: string;
let folder: string;

beforeEach(() => {
  checkout = temporaryFolder();
  folder = resolve(checkout, "data/migration");
  mkdirSync(folder, { recursive: true });
  symlinkSync(resolve("examples"), resolve(checkout, "examples"));
});

type Row = readonly [deviceKey: string, customerKey: string, owner: string, name?: string];

function split(table: readonly Row[] | string | Buffer): Promise<Outcome> {
  const cells = (rows: readonly Row[]) =>
    stringify([["device_key", "customer_key", "owner", "name"], ...rows.map((row) => [...row, ""].slice(0, 4))]);
  const raw = typeof table === "string" || Buffer.isBuffer(table);
  writeFileSync(resolve(folder, "old.csv"), raw ? table : cells(table));
  return paste("node examples/migrating/split.mjs", { cwd: checkout });
}

function linesOf(name: string): readonly string[] {
  return readFileSync(resolve(folder, name), "utf8").trimEnd().split("\n");
}

const devices = (): readonly string[] => linesOf("devices.csv").slice(1);

/** The keys that each customer has. */
function keys(): Readonly<Record<string, readonly string[]>> {
  const customers = readdirSync(resolve(folder, "keys")).sort();
  return Object.fromEntries(
    customers.map((id) => {
      const files = readdirSync(resolve(folder, "keys", id));
      return [id, files.map((file) => readFileSync(resolve(folder, "keys", id, file), "utf8")).sort()];
    }),
  );
}

const SUCCESS = { status: 0, stderr: "" };

test("each owner becomes a customer with each of its keys once, unchanged", async () => {
  const odd = ' ends in "space" ';
  const table: readonly Row[] = [
    ["a", "one", "Acme", "A, the first"],
    ["b", "one", "Acme"],
    ["c", odd, "Acme"],
    ["d", "schlüssel", "Other"],
  ];
  expect(await split(table)).toEqual({ ...SUCCESS, stdout: "2 customers, 3 keys, 4 devices\n" });
  expect(linesOf("customers.txt")).toEqual(["acme Acme", "other Other"]);
  // Nobody else can read them.
  const [file = ""] = readdirSync(resolve(folder, "keys/acme"));
  expect(statSync(resolve(folder, "keys/acme")).mode & 0o777).toBe(0o700);
  expect(statSync(resolve(folder, "keys/acme", file)).mode & 0o777).toBe(0o600);
  expect(keys()).toEqual({ acme: [odd, "one"], other: ["schlüssel"] });
  expect(linesOf("devices.csv")[0]).toBe("device_key,customer_id,name,shared_identity");
  expect(devices()).toEqual(['a,acme,"A, the first",', "b,acme,,", "c,acme,,", "d,other,,"]);
  const samples = linesOf("samples.txt").map((line) => {
    const [deviceKey, key = ""] = line.split(" ");
    return [deviceKey, readFileSync(resolve(checkout, key), "utf8")];
  });
  expect(Object.fromEntries(samples)).toEqual({ a: "one", c: odd, d: "schlüssel" });
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
  const ids = linesOf("customers.txt").map((line) => line.split(" ", 1)[0] ?? "");
  expect(ids).toEqual(expected.map(([, id]) => id));
  for (const id of ids) expect(id).toMatch(/^[a-z0-9][a-z0-9-]{0,15}$/);
});

test("a second run keeps the ids, also those chosen by hand", async () => {
  writeFileSync(resolve(folder, "customers.txt"), "c-17 Acme\n");
  const table: readonly Row[] = ["one", "two", "three"].map((key) => [key, key, "Acme"]);
  await split(table);
  expect(keys()).toEqual({ "c-17": ["one", "three", "two"] });
  await split([...table, ["four", "four", "Acme"], ["five", "one", "Newcomer"]]);
  expect(keys()).toEqual({ "acme-2": ["four"], "c-17": ["one", "three", "two"], newcomer: ["one"] });
  const rows = ["one,c-17,,", "two,c-17,,", "three,c-17,,", "four,acme-2,,", "five,newcomer,,"];
  expect(devices()).toEqual(rows);
  await split([...table, ["four", "four", "Acme"], ["five", "one", "Newcomer"]]);
  expect(devices()).toEqual(rows);
});

test("a key that was moved to another customer of its owner stays there", async () => {
  const table: readonly Row[] = ["one", "two", "three"].map((key) => [key, key, "Acme"]);
  await split(table.slice(2));
  const [file = ""] = readdirSync(resolve(folder, "keys/acme"));
  await split(table);
  writeFileSync(resolve(folder, "customers.txt"), "acme Acme\nacme-2 Acme\n");
  mkdirSync(resolve(folder, "keys/acme-2"));
  renameSync(resolve(folder, "keys/acme", file), resolve(folder, "keys/acme-2", file));
  await split(table);
  expect(keys()).toEqual({ acme: ["one", "two"], "acme-2": ["three"] });
  expect(devices()).toEqual(["one,acme,,", "two,acme,,", "three,acme-2,,"]);
});

test("a device_key of several boards is a shared identity: by the table, or by fleets.txt", async () => {
  writeFileSync(resolve(folder, "fleets.txt"), "b\r\n");
  await split(["a", "b", "c", "c"].map((device) => [device, "one", "Acme"]));
  expect(devices()).toEqual(["a,acme,,", "b,acme,,true", "c,acme,,true"]);
});

describe("a row that cannot be migrated", () => {
  test("is left out and reported with its line, without its key", async () => {
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
    const left = [
      [3, "line 2 has its device_key with another owner or customer_key"],
      [4, "line 2 has its device_key with another owner or customer_key"],
      [5, "it has no device_key, customer_key or owner"],
      [6, "it has no device_key, customer_key or owner"],
      [7, "it has no device_key, customer_key or owner"],
      [9, "its customer_key has a line break in it"],
    ].map(([line, why]) => `old.csv, the device that ends in line ${line}: left out, ${why}`);
    expect(stderr.trimEnd().split("\n")).toEqual(left);
    expect(status).toBe(1);
    expect(stdout).toBe("1 customers, 1 keys, 2 devices\n");
  });

  test.each([
    ["device_key,customer_key\na,one\n", "old.csv has no column owner, or no devices"],
    ["device_key,customer_key,owner\n", "old.csv has no column device_key, or no devices"],
    [Buffer.from("device_key,customer_key,owner\na,schl\xfcssel,Acme\n", "latin1"), "old.csv is not UTF-8"],
  ])("a file that is not such a table changes nothing: %s", async (table, message) => {
    const { status, stderr } = await split(table);
    expect(status).toBe(1);
    expect(stderr).toContain(message);
    expect(existsSync(resolve(folder, "devices.csv"))).toBe(false);
  });
});
