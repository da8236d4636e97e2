// Follows docs/migrating.md with an old server's table and boards.

import { createHash, createHmac, generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { stringify } from "csv-stringify/sync";
import { decodeJwt, jwtVerify, SignJWT } from "jose";
import { expect, test, vi } from "vitest";
import { fencesIn, makeCheckout, makeNpx, paste } from "./pages.ts";
import { DEFAULT_ALG, type Outcome, serve } from "./program.ts";

/** A key in the old server's form; always the same for a name. */
function keyOf(name: string): string {
  return createHash("sha256").update(`old ${name}`).digest("hex").slice(0, 40);
}

/** Rows of the old server's table. */
const rowsOf = (owner: string, prefix: string, count: number, keyFor: (number: number) => string) =>
  Array.from({ length: count }, (_, at) => ({
    device_key: `${prefix}-${at + 1}`,
    customer_key: keyFor(at + 1),
    owner,
    name: `${prefix} no. ${at + 1}, "${owner}"`,
  }));

/** The device_key that a whole fleet shares. */
const FLEET = "valve-1";
const FLEET_BOARDS = 30;
/** Four owners: with two keys, with a shared device_key and devices on one key, with a key of six characters, with a key for each board. */
const TABLE = [
  ...rowsOf("Acme", "pump", 60, (number) => keyOf(number <= 40 ? "acme" : "acme, the newer")),
  ...rowsOf("Öst & Co.", "meter", 20, () => keyOf("öst")),
  ...rowsOf("Öst & Co.", "valve", 1, () => keyOf("öst")),
  ...rowsOf('Globex, "the pumps"', "lamp", 15, () => "abc123"),
  ...rowsOf("Initech", "lock", 4, (number) => keyOf(`lock ${number}`)),
];
/** A device that is enrolled at the old server during the migration, with a new key. */
const LATECOMER = { device_key: "pump-61", customer_key: keyOf("newest"), owner: "Acme", name: "" };

type Board = Pick<typeof LATECOMER, "device_key" | "customer_key">;

/** A board for each device, and all boards of the shared device_key. */
function boardsOf(table: readonly Board[]): readonly Board[] {
  return table.flatMap((device) => Array(device.device_key === FLEET ? FLEET_BOARDS : 1).fill(device));
}

/** The body of a login at `seconds`, in Unix time, as the documented Python sample makes it. */
function bodyOf({ device_key, customer_key }: Board, timestamp: number): string {
  const signature = createHmac("sha256", customer_key).update(`${timestamp}${device_key}`).digest("hex");
  return JSON.stringify({ device_key, timestamp, device_signature: signature.toUpperCase() });
}

/** One pass of a board's loop, through a proxy that says its address. @throws Error with an answer without a token */
async function logIn(board: Board, url: string, seconds: number, at = 0): Promise<string> {
  const headers = { "content-type": "application/json", "x-forwarded-for": `192.0.${at >> 8}.${at & 255}` };
  const answer = await fetch(new URL("/auth/login", url), { method: "POST", headers, body: bodyOf(board, seconds) });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${board.device_key}: ${text}`);
  return JSON.parse(text).token;
}

const now = (): number => Math.floor(Date.now() / 1000);
const EVENTUALLY = { timeout: 90_000, interval: 1_000 };

test("boards that logged in at the old server log in at the gateway, unchanged", { timeout: 360_000 }, async () => {
  const oldKeys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const oldPrivateKey = oldKeys.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const checkout = makeCheckout();
  const migration = resolve(checkout, "data/migration");
  const env = { ...DEFAULT_ALG, COUNTERSIGN_TRUSTED_PROXIES: "127.0.0.1" };
  const gateway = await serve(resolve(checkout, "data"), { env });
  const here = (code: string): string => code.replaceAll("127.0.0.1:8080", new URL(gateway.publicUrl).host);
  const output: string[] = [];

  async function run(code: string): Promise<Outcome> {
    const shell = { cwd: checkout, folders: [makeNpx()], env: { COUNTERSIGN_INTERNAL_URL: gateway.internalUrl } };
    const printed = await paste(here(code), shell);
    output.push(printed.stdout, printed.stderr);
    return printed;
  }

  /** The commands of each numbered step, a block each. */
  const sections = readFileSync("docs/migrating.md", "utf8").split(/^## /m).slice(1);
  const steps = new Map(sections.map((section) => [Number.parseInt(section, 10), fencesIn(section, "sh")]));
  const withCommands = [...steps].filter(([, commands]) => commands.length > 0);
  expect(withCommands.map(([number]) => number)).toEqual([2, 3, 4, 5, 6, 7, 8, 10, 11, 12]);

  /** Pastes the blocks of a step, one after the other. @returns the lines that they print together */
  async function follow(number: number, warning = /^$/): Promise<readonly string[]> {
    const printed: Outcome[] = [];
    for (const code of steps.get(number) ?? []) printed.push(await run(code));
    for (const { status, stderr } of printed) expect([status, stderr]).toEqual([0, expect.stringMatching(warning)]);
    return printed.flatMap(({ stdout }) => stdout.split("\n").filter((line) => line !== ""));
  }

  /** Logs boards in at the gateway, once each. @returns their tokens */
  function logInAll(boards: readonly Board[]): Promise<readonly string[]> {
    const seconds = now();
    return Promise.all(boards.map((board, at) => logIn(board, gateway.publicUrl, seconds, at)));
  }

  /** How many tokens the page's service accepts. */
  async function accepted(tokens: readonly string[]): Promise<number> {
    writeFileSync(resolve(checkout, "tokens.json"), JSON.stringify(tokens));
    const service = `
      import { readFileSync } from "node:fs";
      import { checkToken } from "./check-token.mjs";
      const tokens = JSON.parse(readFileSync("tokens.json", "utf8"));
      const checked = await Promise.allSettled(tokens.map(checkToken));
      process.stdout.write(String(checked.filter(({ status }) => status === "fulfilled").length));`;
    writeFileSync(resolve(checkout, "service.mjs"), service);
    const { stdout, stderr } = await run("node service.mjs");
    expect(stderr).toBe("");
    return Number(stdout);
  }

  // 2 to 4. Read the pairs from the table, sorted by owner.
  expect((await follow(2)).join()).toContain("Demo");
  await follow(3);
  expect(statSync(migration).mode & 0o777).toBe(0o700);
  writeFileSync(resolve(migration, "old.csv"), stringify(TABLE, { header: true }));
  writeFileSync(resolve(migration, "fleets.txt"), `${FLEET}\n`);
  expect(await follow(4)).toEqual(["7 customers, 8 keys, 100 devices"]);

  // 5 and 6. Import them into the registry.
  const enrolled = await follow(5, /^countersign: this key has 6 bytes and can be guessed/);
  expect(enrolled[0]).toBe("customer acme");
  expect(enrolled.filter((line) => line.startsWith("key "))).toHaveLength(8);
  expect(await follow(6)).toEqual(["100 created, 0 updated, 0 unchanged, 0 failed"]);

  // 7. Each key logs a device in, and the boards' requests are right.
  mkdirSync(resolve(migration, "requests"));
  const kinds = TABLE.filter(({ device_key }) => ["pump-1", "meter-20", "lamp-6", FLEET].includes(device_key));
  for (const board of kinds) {
    const received = now() - 3_600;
    const file = resolve(migration, `requests/${board.device_key}.json`);
    writeFileSync(file, bodyOf(board, received));
    utimesSync(file, received, received);
  }
  const verdicts = (await follow(7)).map((line) => /nothing_wrong|older_key|logs in/.exec(line)?.[0] ?? line);
  expect(verdicts.filter((verdict) => verdict === "logs in")).toHaveLength(8);
  expect(verdicts.filter((verdict) => verdict === "nothing_wrong")).toHaveLength(4);
  expect(verdicts.filter((verdict) => !["logs in", "nothing_wrong", "older_key"].includes(verdict))).toEqual([]);

  // 8 and 9. A share of the traffic moves to the gateway. Services accept the tokens of both servers, also with a pinned key.
  writeFileSync(resolve(migration, "old-private-key.pem"), oldPrivateKey);
  const imported = await follow(8, /^countersign: key [\w-]{43} was published at /);
  expect(imported).toEqual([expect.stringMatching(/^key [\w-]{43} \(RS256\) signs$/)]);
  writeFileSync(resolve(checkout, "check-token.mjs"), here(readFileSync("examples/migrating/check-token.mjs", "utf8")));
  writeFileSync(resolve(checkout, "old-public-key.pem"), oldKeys.publicKey.export({ type: "spki", format: "pem" }));
  const oldToken = new SignJWT()
    .setProtectedHeader({ alg: "RS256", typ: "JWT" })
    .setIssuedAt()
    .setExpirationTime("10m");
  const both = [await oldToken.sign(oldKeys.privateKey), ...(await logInAll(boardsOf(TABLE).slice(0, 13)))];
  expect(await accepted(both)).toBe(14);
  for (const token of both) await jwtVerify(token, oldKeys.publicKey, { algorithms: ["RS256"] });
  expect(await accepted(both.map((token) => `${token.slice(0, -8)}AAAAAAAA`))).toBe(0);

  // New devices of the old server are imported by the same steps; the others do not change.
  const table = [...TABLE, LATECOMER];
  writeFileSync(resolve(migration, "old.csv"), stringify(table, { header: true }));
  expect(await follow(4)).toEqual(["7 customers, 9 keys, 101 devices"]);
  expect(await follow(5)).toEqual([expect.stringMatching(/^key [0-9a-f]{16}$/)]);
  expect(await follow(6)).toEqual(["1 created, 0 updated, 100 unchanged, 0 failed"]);

  // All traffic. Each board logs in with the same bytes as before.
  const tokens = await logInAll(boardsOf(table));
  expect(tokens).toHaveLength(130);
  expect(await accepted(tokens)).toBe(130);
  const claims = tokens.map((token) => decodeJwt(token));
  expect(new Set(claims.map(({ sub }) => sub))).toEqual(new Set(table.map(({ device_key }) => device_key)));
  const customers = ["acme", "globex-the-pumps", "initech", "initech-2", "initech-3", "initech-4", "ost-co"];
  expect([...new Set(claims.map((claim) => claim["customer_id"]))].sort()).toEqual(customers);

  // 10. Every device but the demo's has logged in, and none failed.
  await vi.waitFor(async () => {
    const seen = (await follow(10)).filter((line) => !line.startsWith("device_key "));
    expect(seen).toEqual([expect.stringMatching(/^demo-/)]);
  }, EVENTUALLY);

  // 11. The exported files are deleted.
  await follow(11);
  expect(existsSync(migration)).toBe(false);

  // 12. One board gets its own key; the first login with it ends the old key.
  const derived = (await follow(12)).find((line) => line.startsWith("pump-7 "))?.split(" ")[1] ?? "";
  const pump = { device_key: "pump-7", customer_key: keyOf("acme") };
  await logIn(pump, gateway.publicUrl, now() + 1);
  await logIn({ ...pump, customer_key: derived }, gateway.publicUrl, now() + 2);
  await vi.waitFor(async () => {
    await expect(logIn(pump, gateway.publicUrl, now() + 3)).rejects.toThrow('"reason":"invalid_credentials"');
  }, EVENTUALLY);

  // No secret of the old server was ever shown.
  const secrets = [...new Set(table.map(({ customer_key }) => customer_key)), oldPrivateKey.split("\n")[2] ?? ""];
  expect(secrets).toHaveLength(10);
  const shown = [...output, gateway.log()].join("\n");
  expect(secrets.filter((secret) => shown.includes(secret))).toEqual([]);
});
