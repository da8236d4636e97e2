// `countersign devices import` when something is killed in the middle of it: the same command again goes on.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, readdirSync, readFileSync, watch, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { basename, dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as pass } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { runCommand } from "../../command.ts";
import { freePort } from "../../free-port.ts";
import { type ServingProcess, serve, temporaryFolder } from "../../program.ts";

/** Six batches. */
const DEVICES = 3_000;
/** A little more than the time between two checkpoints, in milliseconds. */
const KEPT_EVERY_MS = 350;
const LAUNCHER = join(import.meta.dirname, "../../../bin/countersign.js");

interface Scene {
  readonly env: Readonly<Record<string, string>>;
  readonly file: string;
  readonly gateway: ServingProcess;
  /** Where an import comes to its middle and no further until this is opened. */
  readonly way: Way;
  serveAgain(): Promise<ServingProcess>;
}

/** A gateway with a customer, and a file of many devices of it. */
async function setUp(): Promise<Scene> {
  const folder = temporaryFolder();
  const dataDir = join(folder, "data");
  const env = {
    COUNTERSIGN_DATA_DIR: dataDir,
    COUNTERSIGN_INTERNAL_LISTEN: `127.0.0.1:${await freePort()}`,
    COUNTERSIGN_LOG_LEVEL: "error",
  };
  const serveAgain = (): Promise<ServingProcess> => serve(dataDir, { env });
  const gateway = await serveAgain();
  const way = await openWay(gateway.internalUrl);
  const client = { COUNTERSIGN_DATA_DIR: dataDir, COUNTERSIGN_INTERNAL_URL: way.url };
  await runCommand(["customers", "create", "--name", "Acme", "--customer-id", "acme"], {
    env: { ...client, COUNTERSIGN_INTERNAL_URL: gateway.internalUrl },
  });
  const file = join(folder, "devices.csv");
  const lines = Array.from({ length: DEVICES }, (_, place) => `device-${place},acme,Device ${place}\n`);
  writeFileSync(file, `device_key,customer_id,name\n${lines.join("")}`);
  return { env: client, file, gateway, way, serveAgain };
}

interface Way {
  readonly url: string;
  /** From now on nothing is held. */
  open(): void;
}

/**
 * A way to the gateway on which only what an import asks for first is answered, late enough to be kept: with the other batches
 * it waits for answers that the gateway has given.
 */
async function openWay(internalUrl: string): Promise<Way> {
  const { hostname, port } = new URL(internalUrl);
  const opened = Promise.withResolvers<void>();
  let isOpen = false;
  let isAnswered = false;
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    let passes: Promise<unknown> = isOpen ? Promise.resolve() : pass(KEPT_EVERY_MS);
    near.on("data", (chunk) => {
      if (isAnswered) passes = opened.promise;
      far.write(chunk);
    });
    far.on("data", async (chunk) => {
      await passes;
      isAnswered = true;
      near.write(chunk);
    });
    near.on("error", () => {}).on("close", () => far.destroy());
    far.on("error", () => {}).on("close", () => near.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new TypeError("it listens on a port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    open() {
      isOpen = true;
      opened.resolve();
    },
  };
}

interface Running {
  readonly child: ChildProcess;
  readonly stdout: Promise<string>;
  readonly stderr: Promise<string>;
  readonly exited: Promise<readonly unknown[]>;
}

function start({ env, file }: Scene, ...words: readonly string[]): Running {
  const child = spawn(process.execPath, [LAUNCHER, "devices", "import", file, ...words], {
    env: { ...process.env, ...env },
  });
  return { child, stdout: text(child.stdout), stderr: text(child.stderr), exited: once(child, "exit") };
}

/** Resolves once some of a file is acknowledged, by what is kept beside it. */
async function begun(file: string): Promise<void> {
  const kept = `${file}.progress`;
  const abort = new AbortController();
  await new Promise<void>((resolve, reject) => {
    watch(dirname(file), { signal: abort.signal }, (_, name) => {
      if (name !== basename(kept) || !existsSync(kept)) return;
      const [, , created = 0] = readFileSync(kept, "utf8").split(" ");
      if (Number(created) > 0) resolve();
    }).on("error", reject);
  });
  abort.abort();
}

async function countDevices({ env }: Scene): Promise<number> {
  const { stdout } = await runCommand(["devices", "export", "--customer", "acme"], { env });
  const keys = stdout
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => line.split(",")[0]);
  expect(new Set(keys).size).toBe(keys.length);
  return keys.length;
}

test("the import is killed: it goes on, and every device is there once", { timeout: 60_000 }, async () => {
  const scene = await setUp();
  const first = start(scene);
  await begun(scene.file);
  first.child.kill("SIGKILL");
  await first.exited;

  scene.way.open();
  const second = start(scene);
  expect(await second.exited).toEqual([0, null]);
  expect(await second.stderr).toMatch(/^countersign: goes on at line \d{3,}: what comes before is in\n$/);
  // Devices that were written without an acknowledgement are found unchanged.
  const [, created = "", unchanged = ""] =
    /^(\d+) created, 0 updated, (\d+) unchanged, 0 failed\n$/.exec(await second.stdout) ?? [];
  expect(Number(created) + Number(unchanged)).toBe(DEVICES);
  expect(await countDevices(scene)).toBe(DEVICES);
  expect(existsSync(`${scene.file}.progress`)).toBe(false);
});

test("Ctrl-C stops it in order: it says where, and goes on there", { timeout: 60_000 }, async () => {
  const scene = await setUp();
  const first = start(scene);
  await begun(scene.file);
  first.child.kill("SIGINT");
  expect(await first.exited).toEqual([130, null]);
  expect(await first.stderr).toMatch(
    /^countersign: stopped at line \d{3,}: what comes before is in. The same command goes on there\ncountersign: stopped: give the same command again\n$/,
  );
  scene.way.open();
  const second = start(scene);
  expect(await second.exited).toEqual([0, null]);
  expect(await second.stderr).toMatch(/^countersign: goes on at line \d{3,}/);
  expect(await countDevices(scene)).toBe(DEVICES);
});

test("two at once bring in what one would", { timeout: 60_000 }, async () => {
  const scene = await setUp();
  scene.way.open();
  const both = [start(scene), start(scene)];
  for (const { exited, stderr } of both) {
    expect([await exited, await stderr]).toEqual([[0, null], expect.not.stringContaining("cannot be used")]);
  }
  expect(await countDevices(scene)).toBe(DEVICES);
  expect(readdirSync(dirname(scene.file)).filter((name) => name.includes("progress"))).toEqual([]);
});

test("the gateway is killed and comes back: the import waits, and goes on by itself", { timeout: 60_000 }, async () => {
  const scene = await setUp();
  const first = start(scene);
  await begun(scene.file);
  await scene.gateway.end("SIGKILL");
  scene.way.open();
  await scene.serveAgain();
  expect(await first.exited).toEqual([0, null]);
  expect(await countDevices(scene)).toBe(DEVICES);
});

test("the gateway stays away: the import says where it stopped, and goes on there later", {
  timeout: 60_000,
}, async () => {
  const scene = await setUp();
  const first = start(scene, "--retry-for", "0");
  await begun(scene.file);
  await scene.gateway.end("SIGKILL");
  expect(await first.exited).toEqual([1, null]);
  expect(await first.stdout).toBe("");
  const said = await first.stderr;
  expect(said).toMatch(
    /countersign: stopped at line \d{3,}: what comes before is in. The same command goes on there\n/,
  );
  expect(said).toMatch(
    /countersign: (no gateway answers at )?http:\/\/127\.0\.0\.1:\d+ (closed the connection )?\(\w+\)\. [^\n]*\n$/,
  );

  scene.way.open();
  await scene.serveAgain();
  const second = start(scene);
  expect(await second.exited).toEqual([0, null]);
  expect(await second.stderr).toMatch(/^countersign: goes on at line \d{3,}/);
  expect(await countDevices(scene)).toBe(DEVICES);
});

test("a file that was changed since is not gone on with, but begun anew", { timeout: 60_000 }, async () => {
  const scene = await setUp();
  const first = start(scene);
  await begun(scene.file);
  first.child.kill("SIGKILL");
  await first.exited;
  appendFileSync(scene.file, "one-more,acme,\n");

  scene.way.open();
  const refused = start(scene);
  expect(await refused.exited).toEqual([2, null]);
  expect(await refused.stderr).toContain(
    "is the progress of another file, gateway or option. To begin anew, give --restart",
  );
  const anew = start(scene, "--restart");
  expect(await anew.exited).toEqual([0, null]);
  expect(await anew.stderr).toBe("");
  expect(await countDevices(scene)).toBe(DEVICES + 1);
  expect(existsSync(`${scene.file}.progress`)).toBe(false);
});
