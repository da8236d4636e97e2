// Splits data/migration/old.csv into customers, keys and devices. A second run keeps the customer_ids of the first.

import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { parse } from "csv-parse/sync";
import { stringify } from "csv-stringify/sync";

const folder = "data/migration";
const linesOf = (name) =>
  existsSync(`${folder}/${name}`) ? readFileSync(`${folder}/${name}`, "utf8").split(/\r?\n/) : [];
const write = (name, text) => writeFileSync(`${folder}/${name}`, text, { mode: 0o600 });
const makeFolder = (name) => mkdirSync(`${folder}/${name}`, { recursive: true, mode: 0o700 });
const fileNameOf = (key) => `${createHash("sha256").update(key).digest("hex").slice(0, 16)}.key`;

// The choices of earlier runs.
const idsOf = new Map(); // owner -> customer_ids
const ownerOf = new Map(); // customer_id -> owner
const idOf = new Map(); // owner and key -> customer_id
const enrol = (id, owner) => {
  ownerOf.set(id, owner);
  idsOf.set(owner, [...(idsOf.get(owner) ?? []), id]);
};
for (const [, id, owner] of linesOf("customers.txt").map((line) => /^(\S+) (.+)$/.exec(line) ?? [])) {
  if (id === undefined) continue;
  enrol(id, owner);
  makeFolder(`keys/${id}`);
  for (const file of readdirSync(`${folder}/keys/${id}`)) idOf.set(`${owner}/${file}`, id);
}

// The pairs, by device_key.
const bytes = readFileSync(`${folder}/old.csv`);
if (!isUtf8(bytes)) throw new Error("old.csv is not UTF-8, and the keys on the boards are");
const rows = parse(bytes, { bom: true, columns: true, info: true, record_delimiter: ["\r\n", "\n"] });
for (const column of ["device_key", "customer_key", "owner"])
  if (!(column in (rows[0]?.record ?? {}))) throw new Error(`old.csv has no column ${column}, or no devices`);
const fleets = new Set(linesOf("fleets.txt"));
const devices = new Map();
const keysOf = new Map(); // owner -> customer_keys
for (const { record, info } of rows) {
  const { device_key, customer_key, name = "" } = record;
  const owner = record.owner.replace(/\p{Cc}+/gu, " ").trim();
  const other = devices.get(device_key);
  const leaveOut = (why) => {
    process.stderr.write(`old.csv, the device that ends in line ${info.lines}: left out, ${why}\n`);
    process.exitCode = 1;
  };
  if (!device_key || !customer_key || !owner) leaveOut("it has no device_key, customer_key or owner");
  else if (/[\r\n]/.test(customer_key)) leaveOut("its customer_key has a line break in it");
  else if (other === undefined) {
    devices.set(device_key, { owner, customer_key, name, line: info.lines, shared: fleets.has(device_key) });
    keysOf.set(owner, (keysOf.get(owner) ?? new Set()).add(customer_key));
  } else if (other.owner === owner && other.customer_key === customer_key) other.shared = true;
  else leaveOut(`line ${other.line} has its device_key with another owner or customer_key`);
}

// A customer for each owner. An owner with more than three keys gets a customer for each key.
function newId(owner) {
  const letters = owner.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const words = letters.replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || "owner";
  for (let number = (idsOf.get(owner)?.length ?? 0) + 1; ; number++) {
    const end = number === 1 ? "" : `-${number}`;
    const id = words.slice(0, 16 - end.length) + end;
    if (!ownerOf.has(id)) return id;
  }
}
for (const [owner, keys] of keysOf) {
  for (const key of keys) {
    const file = fileNameOf(key);
    const known = idOf.get(`${owner}/${file}`) ?? (keys.size <= 3 ? idsOf.get(owner)?.[0] : undefined);
    const id = known ?? newId(owner);
    if (!ownerOf.has(id)) enrol(id, owner);
    idOf.set(`${owner}/${file}`, id);
    makeFolder(`keys/${id}`);
    write(`keys/${id}/${file}`, key);
  }
}

const samples = new Map(); // key file -> a device that has it
const table = [["device_key", "customer_id", "name", "shared_identity"]];
for (const [device_key, { owner, customer_key, name, shared }] of devices) {
  const file = fileNameOf(customer_key);
  const id = idOf.get(`${owner}/${file}`);
  const path = `${folder}/keys/${id}/${file}`;
  if (!samples.has(path)) samples.set(path, device_key);
  table.push([device_key, id, name, shared ? "true" : ""]);
}
write("customers.txt", [...ownerOf].map(([id, owner]) => `${id} ${owner}\n`).join(""));
write("samples.txt", [...samples].map(([path, device_key]) => `${device_key} ${path}\n`).join(""));
write("devices.csv", stringify(table));
process.stdout.write(`${ownerOf.size} customers, ${samples.size} keys, ${devices.size} devices\n`);
