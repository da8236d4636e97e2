// `countersign devices import` after a kill in its middle: --from-line resumes it.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { runCommand } from "../../command.ts";
import { freePort } from "../../free-port.ts";
import { type ServingProcess, serve, temporaryFolder } from "../../program.ts";

/** Six batches. */
const DEVICES = 3_000;
const LAUNCHER = join(import.meta.dirname, "../../../bin/countersign.js");

interface Scene {
  readonly env: Readonly<Record<string, string>>;
  readonly file: string;
  readonly gateway: ServingProcess;
  /** A relay to the gateway that holds an import in its middle until it is opened. */
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
  const lines = Array.from({ length: DEVICES }, (_, index) => `device-${index},acme,Device ${index}\n`);
  writeFileSync(file, `device_key,customer_id,name\n${lines.join("")}`);
  return { env: client, file, gateway, way, serveAgain };
}

interface Way {
  readonly url: string;
  /** Resolves once the import has the answer to its first batch and sends the second. */
  readonly begun: Promise<void>;
  /** Lets all answers through from now on. */
  open(): void;
}

/**
 * A relay to the gateway that passes the answer to an import's first batch and holds the others, although the gateway has
 * answered.
 */
async function openWay(internalUrl: string): Promise<Way> {
  const { hostname, port } = new URL(internalUrl);
  const opened = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  let isOpen = false;
  let isAnswered = false;
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    let passes: Promise<unknown> = Promise.resolve();
    near.on("data", (chunk) => {
      if (isAnswered && !isOpen) {
        passes = opened.promise;
        begun.resolve();
      }
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
    begun: begun.promise,
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

/** The line that a stopped import names. */
async function stoppedAt({ stderr }: Running): Promise<string> {
  const [, line = "", again] =
    /countersign: stopped at line (\d{3,}): what comes before is in\. Give the same command with --from-line (\d+)\n/.exec(
      await stderr,
    ) ?? [];
  expect(again).toBe(line);
  return line;
}

test("Ctrl-C stops the import: it prints the line, and continues there", { timeout: 60_000 }, async () => {
  const scene = await setUp();
  const first = start(scene);
  await scene.way.begun;
  first.child.kill("SIGINT");
  expect(await first.exited).toEqual([130, null]);
  const line = await stoppedAt(first);
  scene.way.open();
  const second = start(scene, "--from-line", line);
  expect(await second.exited).toEqual([0, null]);
  const numbers = [...(await second.stdout).matchAll(/\d+/g)].map(([count]) => Number(count));
  // The header is line 1.
  expect(numbers.reduce((sum, count) => sum + count, 0)).toBe(DEVICES - (Number(line) - 2));
  expect(await countDevices(scene)).toBe(DEVICES);
});

test("the gateway is killed: the import says where it stopped, and goes on there later", {
  timeout: 60_000,
}, async () => {
  const scene = await setUp();
  const first = start(scene);
  await scene.way.begun;
  await scene.gateway.end("SIGKILL");
  expect(await first.exited).toEqual([1, null]);
  expect(await first.stdout).toBe("");
  const line = await stoppedAt(first);
  expect(await first.stderr).toMatch(
    /countersign: (no gateway answers at )?http:\/\/127\.0\.0\.1:\d+ (closed the connection )?\(\w+\)\. [^\n]*\n$/,
  );

  scene.way.open();
  await scene.serveAgain();
  const second = start(scene, "--from-line", line);
  expect(await second.exited).toEqual([0, null]);
  expect(await countDevices(scene)).toBe(DEVICES);
});
