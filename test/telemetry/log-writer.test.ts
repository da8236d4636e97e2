// The log's writer: batches in order, and what cannot be written is dropped and told of, without holding anything up.

import { expect, test } from "vitest";
import { createLogWriter, type LogWriter, type LogWriterOptions } from "../../src/telemetry/log-writer.ts";

interface Bench {
  readonly writer: LogWriter;
  /** What was written, batch by batch. */
  readonly batches: string[];
  /** Runs what waits for its time. */
  readonly pass: () => void;
  /** What the next writes end with; afterwards they work. */
  readonly failures: string[];
}

function open(options: LogWriterOptions = {}): Bench {
  const batches: string[] = [];
  const failures: string[] = [];
  let waiting: (() => void)[] = [];
  const writer = createLogWriter(99, {
    write(_fd, bytes, done) {
      const failure = failures.shift();
      if (failure === undefined) batches.push(Buffer.from(bytes).toString());
      setImmediate(() =>
        failure === undefined
          ? done(null, bytes.length)
          : done(Object.assign(new Error(failure), { code: failure }), 0),
      );
    },
    later: (callback) => waiting.push(callback),
    wait: async () => {},
    ...options,
  });
  const pass = (): void => {
    const due = waiting;
    waiting = [];
    for (const callback of due) callback();
  };
  return { writer, batches, pass, failures };
}

test("lines are held for a while, then written together", async () => {
  const { writer, batches, pass } = open();
  writer.write("a\n");
  writer.write("b\n");
  expect(batches).toEqual([]);
  pass();
  await writer.flush();
  expect(batches).toEqual(["a\nb\n"]);
  writer.write("c\n");
  await writer.flush();
  expect(batches).toEqual(["a\nb\n", "c\n"]);
});

test("a full batch does not wait, and one write follows another", async () => {
  const { writer, batches } = open();
  const lines = Array.from({ length: 1_000 }, (_, place) => `${String(place).padStart(60, "0")}\n`);
  for (const line of lines) writer.write(line);
  await writer.flush();
  expect(batches.length).toBeGreaterThan(1);
  expect(batches.join("")).toBe(lines.join(""));
});

test("what a write took in part goes on where it stopped", async () => {
  const taken: string[] = [];
  const { writer } = open({
    write(_fd, bytes, done) {
      taken.push(Buffer.from(bytes.subarray(0, 3)).toString());
      setImmediate(() => done(null, Math.min(3, bytes.length)));
    },
  });
  writer.write("abcdefg\n");
  await writer.flush();
  expect(taken).toEqual(["abc", "def", "g\n"]);
});

test("a full pipe is tried again, and given up after a while", async () => {
  const { writer, batches, failures, pass } = open();
  failures.push(...Array(20).fill("EAGAIN"));
  writer.write("late\n");
  await writer.flush();
  expect(batches).toEqual(["late\n"]);

  failures.push(...Array(21).fill("EAGAIN"));
  writer.write("lost\n");
  await writer.flush();
  pass();
  writer.write("next\n");
  await writer.flush();
  expect(batches.slice(1)).toEqual(['{"level":40,"dropped":1,"msg":"log lines were dropped"}\nnext\n']);
});

test("after a failure lines are dropped for a while, then their number is told", async () => {
  const { writer, batches, failures, pass } = open();
  failures.push("ENOSPC");
  writer.write("one\n");
  writer.write("two\n");
  await writer.flush();
  for (let line = 0; line < 5; line++) writer.write("dropped\n");
  await writer.flush();
  expect(batches).toEqual([]);
  pass();
  writer.write("again\n");
  await writer.flush();
  expect(batches).toEqual(['{"level":40,"dropped":7,"msg":"log lines were dropped"}\nagain\n']);
  writer.write("more\n");
  await writer.flush();
  expect(batches.at(-1)).toBe("more\n");
});

test("a number that could not be told is told later", async () => {
  const { writer, batches, failures, pass } = open();
  for (const _ of [1, 2]) {
    failures.push("EIO");
    writer.write("lost\n");
    await writer.flush();
    pass();
  }
  writer.write("again\n");
  await writer.flush();
  expect(batches).toEqual(['{"level":40,"dropped":2,"msg":"log lines were dropped"}\nagain\n']);
});

test("a flush with nothing held ends at once", async () => {
  const { writer, batches } = open();
  await writer.flush();
  expect(batches).toEqual([]);
});

test("what nobody takes is kept to a bound", async () => {
  let done: () => void = () => {};
  const { writer, batches } = open({
    write(_fd, bytes, callback) {
      batches.push(Buffer.from(bytes).toString());
      done = () => callback(null, bytes.length);
      if (batches.length > 1) done();
    },
  });
  const line = `${"x".repeat(1_023)}\n`;
  for (let count = 0; count < 10_000; count++) writer.write(line);
  done();
  await writer.flush();
  const written = batches.join("");
  expect(written.length).toBeLessThan(4.2 * 1024 * 1024);
  const lines = written.split("\n").filter((text) => text.startsWith("x")).length;
  expect(written).toContain(`"dropped":${10_000 - lines},`);
});
