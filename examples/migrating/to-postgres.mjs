// Copies every table of the gateway's SQLite file into PostgreSQL, unchanged, in one transaction.

import { DatabaseSync } from "node:sqlite";
import pg from "pg";

const TABLES = [
  "customers",
  "customer_keys",
  "devices",
  "device_activity",
  "signing_keys",
  "revoked_tokens",
  "audit_events",
];
const from = new DatabaseSync("data/countersign.db", { readOnly: true });
const to = new pg.Client({ connectionString: process.env.COUNTERSIGN_DATABASE_URL });
await to.connect();
await to.query("begin");
const { rows: steps } = await to.query("select count(*)::int as count from kysely_migration");
const { count } = from.prepare("select count(*) as count from kysely_migration").get();
if (steps[0].count !== count)
  throw new Error("the two databases are of different releases: start the same release on both first");
const { rows: customers } = await to.query("select from customers where customer_id <> ''");
if (customers.length > 0) throw new Error("there are customers in PostgreSQL already: take an empty database");
await to.query(`truncate ${TABLES.join(", ")}`);
for (const table of TABLES) {
  let rows = [];
  let moved = 0;
  const insert = async () => {
    const sql = `insert into ${table} overriding system value select * from json_populate_recordset(null::${table}, $1)`;
    moved += (await to.query(sql, [JSON.stringify(rows)])).rowCount;
    rows = [];
  };
  for (const row of from.prepare(`select * from ${table}`).iterate()) {
    for (const [name, value] of Object.entries(row))
      if (value instanceof Uint8Array) row[name] = `\\x${Buffer.from(value).toString("hex")}`;
    if (rows.push(row) === 1000) await insert();
  }
  await insert();
  process.stdout.write(`${table} ${moved}\n`);
}
await to.query("select setval(pg_get_serial_sequence('audit_events', 'event_id'), max(event_id)) from audit_events");
await to.query("commit");
await to.end();
