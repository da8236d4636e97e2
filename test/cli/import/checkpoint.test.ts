// What an import keeps beside a file: whatever is there, it is read as what it is or begun anew.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, symlinkSync, watch, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { createCheckpoint, NOTHING_DONE } from "../../../src/cli/import/checkpoint.ts";
import { ADMIN_TOKEN } from "../../gateway.ts";
import { temporaryFolder } from "../../program.ts";
import { type Operator, openOperator } from "../operator.ts";

let operator: Operator;
beforeAll(async () => {
  operator = await openOperator();
});
afterAll(() => operator.gateway.close());

const DONE = { ...NOTHING_DONE, next: { offset: 40, line: 3 }, created: 2 };

test("what was written is read, by an import of the same alone", () => {
  const path = join(temporaryFolder(), "devices.csv.progress");
  const checkpoint = createCheckpoint(path, "one");
  expect(checkpoint.read()).toBeUndefined();
  checkpoint.write(DONE);
  expect(checkpoint.read()).toEqual(DONE);
  expect(() => createCheckpoint(path, "another").read()).toThrow("something was changed since");
  expect(readdirSync(dirname(path))).toEqual([basename(path)]);
  checkpoint.remove();
  expect(existsSync(path)).toBe(false);
});

test.each([
  "",
  "null",
  "7",
  "[]",
  "{}",
  '{"subject":"one"}',
  '{"subject":"one","progress":{}}',
  '{"subject":"one","progress":null}',
  JSON.stringify({ subject: "one", progress: { ...DONE, next: { offset: -5, line: 1 } } }),
  JSON.stringify({ subject: "one", progress: { ...DONE, next: { offset: 0, line: 0 } } }),
  JSON.stringify({ subject: "one", progress: { ...DONE, next: { offset: 0.5, line: 1 } } }),
  JSON.stringify({ subject: "one", progress: { ...DONE, created: "2" } }),
  JSON.stringify({ subject: "one", progress: { ...DONE, failed: undefined } }),
])("%s counts as nothing", (text) => {
  const path = join(temporaryFolder(), "progress");
  writeFileSync(path, text);
  expect(createCheckpoint(path, "one").read()).toBeUndefined();
});

test("what is no file is left alone", () => {
  const folder = temporaryFolder();
  const [target, link] = [join(folder, "target"), join(folder, "link")];
  writeFileSync(target, "mine");
  symlinkSync(target, link);
  expect(() => createCheckpoint(link, "one").write(DONE)).toThrow("is no file");
  expect(readFileSync(target, "utf8")).toBe("mine");
});

/** A way to the gateway that leads nowhere until it is opened. */
async function openWay(): Promise<{ readonly url: string; open(): void }> {
  let isOpen = false;
  const { hostname, port } = new URL(operator.gateway.internalUrl);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    if (!isOpen) return;
    const onward = connect(Number(port), hostname).on("error", () => {});
    sockets.add(onward);
    socket.pipe(onward).pipe(socket);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new TypeError("it listens on a port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    open() {
      isOpen = true;
    },
  };
}

/** Kills an import of a file before any answer. @returns what it kept */
async function leave(file: string, url: string): Promise<{ readonly subject: string; readonly progress: unknown }> {
  const launcher = join(import.meta.dirname, "../../../bin/countersign.js");
  const abort = new AbortController();
  const kept = `${file}.progress`;
  const seen = new Promise<void>((resolve) => {
    watch(dirname(file), { signal: abort.signal }, () => existsSync(kept) && resolve()).on("error", () => {});
  });
  const child = spawn(process.execPath, [launcher, "devices", "import", file], {
    env: { ...process.env, COUNTERSIGN_INTERNAL_URL: url, COUNTERSIGN_ADMIN_TOKEN: ADMIN_TOKEN },
    stdio: "ignore",
  });
  await seen;
  abort.abort();
  child.kill("SIGKILL");
  await once(child, "exit");
  return JSON.parse(readFileSync(kept, "utf8"));
}

test("a place that the file has not is begun anew, and another gateway too", async () => {
  const { customerId, internalUrl } = operator.gateway;
  const file = join(temporaryFolder(), "devices.csv");
  const text = `device_key,customer_id\nleft-1,${customerId}\nleft-2,${customerId}\n`;
  writeFileSync(file, text);
  const way = await openWay();
  const { subject } = await leave(file, way.url);

  const elsewhere = await operator.operate(["devices", "import", file], {
    env: { COUNTERSIGN_INTERNAL_URL: internalUrl },
  });
  expect(elsewhere).toMatchObject({ status: 2, stdout: "" });
  expect(elsewhere.stderr).toContain("the file, its options or the gateway are not those");

  way.open();
  for (const [offset, outcome] of [
    [text.length + 1, "2 created, 0 updated, 0 unchanged"],
    [3, "0 created, 0 updated, 2 unchanged"],
  ] as const) {
    const progress = { ...DONE, next: { offset, line: 3 } };
    writeFileSync(`${file}.progress`, JSON.stringify({ subject, progress }));
    const told = await operator.operate(["devices", "import", file], { env: { COUNTERSIGN_INTERNAL_URL: way.url } });
    expect(told).toEqual({ status: 0, stdout: `${outcome}, 0 failed\n`, stderr: "" });
  }
  // And a place that it has is gone on from.
  const progress = { ...DONE, next: { offset: text.length, line: 4 } };
  writeFileSync(`${file}.progress`, JSON.stringify({ subject, progress }));
  const told = await operator.operate(["devices", "import", file], { env: { COUNTERSIGN_INTERNAL_URL: way.url } });
  expect(told.stdout).toBe("2 created, 0 updated, 0 unchanged, 0 failed\n");
  expect(told.stderr).toContain("goes on at line 4");
});
