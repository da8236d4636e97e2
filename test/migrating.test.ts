// Follows docs/migrating.md with an old server, its boards, and the page's own commands.

import { createPublicKey } from "node:crypto";
import { mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { decodeJwt, jwtVerify } from "jose";
import { expect, test, vi } from "vitest";
import { type Board, boardsOf, bodyOf, FLEET, LATECOMER, logIn, makeTable, startOldServer } from "./migrating/fleet.ts";
import { fencesIn, makeCheckout, makeNpx, paste } from "./pages.ts";
import { DEFAULT_ALG, type Outcome, serve } from "./program.ts";

const now = (): number => Math.floor(Date.now() / 1000);

test("boards that logged in at the old server log in at the gateway, unchanged", { timeout: 360_000 }, async () => {
  const table = makeTable();
  const boards = boardsOf(table);
  expect([table.length, boards.length]).toEqual([100, 129]);
  const old = await startOldServer(table);
  const checkout = makeCheckout();
  const gateway = await serve(resolve(checkout, "data"), {
    env: { ...DEFAULT_ALG, COUNTERSIGN_TRUSTED_PROXIES: "127.0.0.1" },
  });
  const newPort = Number(new URL(gateway.publicUrl).port);
  const migration = resolve(checkout, "data/migration");
  /** The commands of each numbered step, a block each. */
  const sections = readFileSync("docs/migrating.md", "utf8").split(/^## /m).slice(1);
  const steps = new Map(sections.map((section) => [Number.parseInt(section, 10), fencesIn(section, "sh")]));
  const withCommands = [...steps].filter(([, commands]) => commands.length > 0);
  expect(withCommands.map(([number]) => number)).toEqual([2, 3, 4, 5, 6, 7, 8, 10, 11, 12]);
  const output: string[] = [];
  const options = { cwd: checkout, folders: [makeNpx()], env: { COUNTERSIGN_INTERNAL_URL: gateway.internalUrl } };
  const here = (code: string): string => code.replaceAll("127.0.0.1:8080", new URL(gateway.publicUrl).host);

  async function run(code: string): Promise<Outcome> {
    const printed = await paste(here(code), options);
    output.push(printed.stdout, printed.stderr);
    return printed;
  }

  /** Pastes the blocks of a step, one after the other. @returns what they printed together */
  async function follow(number: number, expected: { stderr?: RegExp } = {}): Promise<readonly string[]> {
    const commands = steps.get(number) ?? [];
    expect(commands.length).toBeGreaterThan(0);
    const lines: string[] = [];
    for (const code of commands) {
      const { status, stdout, stderr } = await run(code);
      if (expected.stderr === undefined) expect(stderr).toBe("");
      else if (stderr !== "") expect(stderr).toMatch(expected.stderr);
      expect(status, stderr).toBe(0);
      lines.push(...stdout.split("\n").filter((line) => line !== ""));
    }
    return lines;
  }

  /** One pass of every board's loop, with the first boards at the new server. @returns the boards' tokens by server */
  async function pass(flashed: readonly Board[], atNew: number): Promise<{ fromOld: string[]; fromNew: string[] }> {
    const seconds = now();
    const logins = flashed.map((board, at) => logIn(board, at < atNew ? newPort : old.port, seconds));
    const tokens = await Promise.all(logins);
    const isNew = (token: string): boolean => decodeJwt(token).iss !== undefined;
    return { fromOld: tokens.filter((token) => !isNew(token)), fromNew: tokens.filter(isNew) };
  }

  /** How many tokens the page's service accepts. */
  async function accepted(tokens: readonly string[]): Promise<number> {
    writeFileSync(resolve(checkout, "tokens.json"), JSON.stringify(tokens));
    const service = [
      'import { readFileSync } from "node:fs";',
      'import { checkToken } from "./check-token.mjs";',
      'const tokens = JSON.parse(readFileSync("tokens.json", "utf8"));',
      "const checked = await Promise.allSettled(tokens.map(checkToken));",
      'process.stdout.write(String(checked.filter(({ status }) => status === "fulfilled").length));',
    ];
    writeFileSync(resolve(checkout, "service.mjs"), service.join("\n"));
    const { stdout, stderr } = await run("node service.mjs");
    expect(stderr).toBe("");
    return Number(stdout);
  }

  // Before: every board is at the old server.
  expect(await pass(boards, 0)).toMatchObject({ fromOld: { length: 129 }, fromNew: [] });

  // 2 to 4. Read the pairs from the table, sorted by owner.
  expect((await follow(2)).join()).toContain("Demo");
  await follow(3);
  expect(statSync(migration).mode & 0o777).toBe(0o700);
  writeFileSync(resolve(migration, "old.csv"), old.exportTable());
  writeFileSync(resolve(migration, "fleets.txt"), `${FLEET}\n`);
  expect(await follow(4)).toEqual(["7 customers, 8 keys, 100 devices"]);

  // 5 and 6. Import them into the registry.
  const [firstCustomer, ...others] = await follow(5, {
    stderr: /^countersign: this key has 6 bytes and can be guessed/,
  });
  expect(firstCustomer).toBe("customer acme");
  expect(others.filter((line) => line.startsWith("key "))).toHaveLength(8);
  expect(await follow(6)).toEqual(["100 created, 0 updated, 0 unchanged, 0 failed"]);

  // 7. Each key logs a device in, and the boards' requests are right.
  mkdirSync(resolve(migration, "requests"));
  for (const deviceKey of ["pump-1", "meter-20", "lamp-6", FLEET]) {
    const board = boards.find((candidate) => candidate.deviceKey === deviceKey);
    if (board === undefined) throw new RangeError(`no board is ${deviceKey}`);
    const received = now() - 3_600;
    const file = resolve(migration, `requests/${deviceKey}.json`);
    writeFileSync(file, bodyOf(board, received));
    utimesSync(file, received, received);
  }
  const checked = await follow(7);
  expect(checked.filter((line) => line.endsWith(" logs in"))).toHaveLength(8);
  expect(checked.filter((line) => line.startsWith("nothing_wrong: "))).toHaveLength(4);
  const rest = checked.filter((line) => !/ logs in$|^nothing_wrong: /.test(line));
  expect(rest.filter((line) => !line.startsWith("older_key: "))).toEqual([]);

  // 8 and 9. A share of the traffic moves to the gateway, and back. Services accept the tokens of both servers, also with a pinned key.
  writeFileSync(resolve(migration, "old-private-key.pem"), old.privateKey);
  expect(await follow(8, { stderr: /^countersign: key [\w-]{43} was published at / })).toEqual([
    expect.stringMatching(/^key [\w-]{43} \(RS256\) signs$/),
  ]);
  const pinned = createPublicKey(old.publicKey);
  const service = readFileSync("examples/migrating/check-token.mjs", "utf8");
  writeFileSync(resolve(checkout, "check-token.mjs"), here(service));
  writeFileSync(resolve(checkout, "old-public-key.pem"), old.publicKey);
  const { fromOld, fromNew } = await pass(boards, 13);
  expect([fromOld.length, fromNew.length]).toEqual([116, 13]);
  const both = [...fromNew, ...fromOld];
  expect(await accepted(both)).toBe(129);
  for (const token of both) await jwtVerify(token, pinned, { algorithms: ["RS256"] });
  expect(await accepted(both.map((token) => `${token.slice(0, -8)}AAAAAAAA`))).toBe(0);
  expect(await pass(boards, 0)).toMatchObject({ fromOld: { length: 129 }, fromNew: [] });

  // New devices of the old server are imported by the same steps; the others do not change.
  old.add(LATECOMER);
  writeFileSync(resolve(migration, "old.csv"), old.exportTable());
  expect(await follow(4)).toEqual(["7 customers, 9 keys, 101 devices"]);
  expect(await follow(5)).toEqual([expect.stringMatching(/^key [0-9a-f]{16}$/)]);
  expect(await follow(6)).toEqual(["1 created, 0 updated, 100 unchanged, 0 failed"]);

  // All traffic. Each board logs in with the same bytes as before.
  const all = boardsOf([...table, LATECOMER]);
  const whole = await pass(all, all.length);
  expect(whole).toMatchObject({ fromOld: [], fromNew: { length: 130 } });
  expect(await accepted(whole.fromNew)).toBe(130);
  const claims = whole.fromNew.map((token) => decodeJwt(token));
  expect(new Set(claims.map(({ sub }) => sub))).toEqual(new Set(all.map(({ deviceKey }) => deviceKey)));
  expect(new Set(claims.map((claim) => claim["customer_id"]))).toEqual(
    new Set(["acme", "ost-co", "globex-the-pumps", "initech", "initech-2", "initech-3", "initech-4"]),
  );

  // 10. Every device but the demo's has logged in, and none failed.
  await vi.waitFor(
    async () => {
      const seen = await follow(10);
      const rows = seen.filter((line) => !line.startsWith("device_key "));
      expect(rows).toEqual([expect.stringMatching(/^demo-/)]);
    },
    { timeout: 90_000, interval: 100 },
  );

  // 11. The exported files are deleted.
  await follow(11);
  expect(() => statSync(migration)).toThrow("ENOENT");

  // 12. One board gets its own key; the first login with it ends the old key.
  const derived = (await follow(12)).find((line) => line.startsWith("pump-7 "))?.split(" ")[1];
  const pump = all.find(({ deviceKey }) => deviceKey === "pump-7");
  if (pump === undefined || derived === undefined) throw new Error("pump-7 has no key of its own");
  await logIn(pump, newPort, now() + 1);
  await logIn({ ...pump, customerKey: derived }, newPort, now() + 2);
  await vi.waitFor(() => expect(logIn(pump, newPort, now() + 3)).rejects.toThrow('"reason":"invalid_credentials"'), {
    timeout: 90_000,
    interval: 2_000,
  });

  // No secret of the old server was ever shown.
  const secrets = new Set([...table, LATECOMER].map(({ customer_key }) => customer_key));
  expect(secrets.size).toBe(9);
  secrets.add(old.privateKey.split("\n")[2] ?? "");
  const shown = [...output, gateway.log()].join("\n");
  expect([...secrets].filter((secret) => shown.includes(secret))).toEqual([]);
});
