// `countersign devices import` after a kill in its middle: --from-line resumes it.

import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { runCommand } from "../../command.ts";
import { freePort, listenOnLoopback } from "../../free-port.ts";
import { serve, startCommand, temporaryFolder } from "../../program.ts";

/** Six batches. */
const DEVICES = 3_000;

/** A gateway with a customer, a file of many of its devices, and a relay that holds an import half-way. */
async function setUp() {
  const folder = temporaryFolder();
  const dataDir = join(folder, "data");
  const internalListen = { COUNTERSIGN_INTERNAL_LISTEN: `127.0.0.1:${await freePort()}` };
  const serveAgain = () => serve(dataDir, { env: { ...internalListen, COUNTERSIGN_LOG_LEVEL: "error" } });
  const gateway = await serveAgain();
  const way = await openRelay(gateway.internalUrl);
  const env = { COUNTERSIGN_DATA_DIR: dataDir, COUNTERSIGN_INTERNAL_URL: gateway.internalUrl };
  await runCommand(["customers", "create", "--name", "Acme", "--customer-id", "acme"], { env });
  const file = join(folder, "devices.csv");
  const lines = Array.from({ length: DEVICES }, (_, index) => `device-${index},acme,Device ${index}\n`);
  writeFileSync(file, `device_key,customer_id,name\n${lines.join("")}`);
  const held = { ...env, COUNTERSIGN_INTERNAL_URL: way.url };
  return {
    gateway,
    way,
    serveAgain,
    startImport(...words: readonly string[]) {
      const child = startCommand(["devices", "import", file, ...words], { env: held });
      return { child, stdout: text(child.stdout), stderr: text(child.stderr), exited: once(child, "exit") };
    },
    async countDevices(): Promise<number> {
      const { stdout, stderr } = await runCommand(["devices", "export", "--customer", "acme"], { env });
      expect(stderr).toBe("");
      const keys = stdout.match(/^device-\d+/gm) ?? [];
      expect(new Set(keys).size).toBe(keys.length);
      return keys.length;
    },
  };
}

/** A relay to the gateway that passes the answer to an import's first batch, and holds the others until it is opened. */
async function openRelay(internalUrl: string) {
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
  });
  onTestFinished(() => void server.close());
  return {
    url: `http://127.0.0.1:${await listenOnLoopback(server)}`,
    /** Resolves once the import has the answer to its first batch and sends the second. */
    begun: begun.promise,
    /** Lets all answers through from now on. */
    open() {
      isOpen = true;
      opened.resolve();
    },
  };
}

/** The line that a stopped import names. */
async function stoppedAt(stderr: Promise<string>): Promise<string> {
  const [, line = "", again] =
    /countersign: stopped at line (\d{3,}): the lines before it are imported\. Run the same command with --from-line (\d+)\n/.exec(
      await stderr,
    ) ?? [];
  expect(again).toBe(line);
  return line;
}

test("an import stopped by Ctrl-C prints the line at which it can continue", async () => {
  const scene = await setUp();
  const first = scene.startImport();
  await scene.way.begun;
  first.child.kill("SIGINT");
  expect(await first.exited).toEqual([130, null]);
  const line = await stoppedAt(first.stderr);
  scene.way.open();
  const second = scene.startImport("--from-line", line);
  expect(await second.exited).toEqual([0, null]);
  const numbers = [...(await second.stdout).matchAll(/\d+/g)].map(([count]) => Number(count));
  // The header is line 1.
  expect(numbers.reduce((sum, count) => sum + count, 0)).toBe(DEVICES - (Number(line) - 2));
  expect(await scene.countDevices()).toBe(DEVICES);
});

test("after a kill of the gateway the import names the line, and resumes there later", async () => {
  const scene = await setUp();
  const first = scene.startImport();
  await scene.way.begun;
  await scene.gateway.end("SIGKILL");
  expect(await first.exited).toEqual([1, null]);
  expect(await first.stdout).toBe("");
  const line = await stoppedAt(first.stderr);
  expect(await first.stderr).toMatch(
    /countersign: (no gateway answers at )?http:\/\/127\.0\.0\.1:\d+ (closed the connection )?\(\w+\)\. [^\n]*\n$/,
  );

  scene.way.open();
  await scene.serveAgain();
  const second = scene.startImport("--from-line", line);
  expect(await second.exited).toEqual([0, null]);
  expect(await scene.countDevices()).toBe(DEVICES);
});
