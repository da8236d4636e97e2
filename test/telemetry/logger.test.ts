// The log's destination: batches in order, and a bounded buffer without a reader.

import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createLog } from "../../src/telemetry/logger.ts";
import { temporaryFolder } from "../program.ts";

test("flush writes every line in order", async () => {
  const file = join(temporaryFolder(), "log");
  const fd = openSync(file, "w");
  onTestFinished(() => closeSync(fd));
  const { logger, flush } = createLog("info", { fd });
  for (let count = 0; count < 1_000; count++) logger.info({ count }, "line");
  await flush();
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line).count)).toEqual(lines.map((_line, index) => index));
  expect(lines).toHaveLength(1_000);
});

test("lines beyond the buffer of a full pipe are dropped, and their number is logged when the pipe is read", async () => {
  const pipe = join(temporaryFolder(), "pipe");
  execFileSync("mkfifo", [pipe]);
  const fd = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  onTestFinished(() => closeSync(fd));
  const { logger, flush } = createLog("info", { fd });
  const text = "x".repeat(1_000);
  for (let count = 0; count < 6_000; count++) logger.info(text);
  await flush();

  const chunk = Buffer.alloc(1024 * 1024);
  let output = "";
  while (!output.endsWith('"msg":"log lines were dropped"}\n')) {
    output += chunk.toString("utf8", 0, readSync(fd, chunk));
    await flush();
  }
  const lines = output.trimEnd().split("\n");
  expect(output.length).toBeLessThan(5 * 1024 * 1024);
  expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ level: 40, dropped: 6_000 - (lines.length - 1) });
});
