// One session at a time, whatever becomes of it: over injected time, with sessions that do as they are told.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { keepOpen, type Session, type SessionEvents, type Sessions } from "../../../src/core/limiter/sessions.ts";

interface Told extends Session {
  readonly number: number;
  readonly events: SessionEvents;
  become(state: "whole" | "part" | "down"): void;
  lose(cause: string): void;
}

let opened: Told[];
let closed: number[];
let heard: string[];

beforeEach(() => {
  opened = [];
  closed = [];
  heard = [];
  vi.useFakeTimers();
});
afterEach(() => void vi.useRealTimers());

function start(): Sessions<Told> & { isStarted: () => boolean } {
  let isStarted = false;
  const sessions = keepOpen<Told>(
    (events) => {
      let state: ReturnType<Session["state"]> = "down";
      const number = opened.length;
      const session: Told = {
        number,
        events,
        state: () => state,
        become(next) {
          state = next;
          events.changed();
        },
        lose(cause) {
          state = "down";
          events.lost(new Error(cause));
          events.ended();
        },
        // As a driver may: it tells of its own end.
        close() {
          closed.push(number);
          session.lose("closed");
        },
      };
      opened.push(session);
      return session;
    },
    { away: ({ message }) => heard.push(`away: ${message}`), lost: ({ message }) => heard.push(`lost: ${message}`) },
  );
  void sessions.started.then(() => {
    isStarted = true;
  });
  return { ...sessions, isStarted: () => isStarted };
}

test("it has started once the first session is whole, has failed, or has had a second", async () => {
  const whole = start();
  opened[0]?.become("part");
  await vi.advanceTimersByTimeAsync(999);
  expect(whole.isStarted()).toBe(false);
  opened[0]?.become("whole");
  await vi.advanceTimersByTimeAsync(0);
  expect(whole.isStarted()).toBe(true);

  const failed = start();
  opened[1]?.events.failed(new Error("refused"));
  await vi.advanceTimersByTimeAsync(0);
  expect(failed.isStarted()).toBe(true);

  const neither = start();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(neither.isStarted()).toBe(true);
});

test("after an end the next is opened in 50 ms, and an outage is told once", async () => {
  const sessions = start();
  opened[0]?.become("whole");
  opened[0]?.lose("broke");
  await vi.advanceTimersByTimeAsync(49);
  expect(sessions.current().number).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(sessions.current().number).toBe(1);
  opened[1]?.events.failed(new Error("refused"));
  opened[1]?.events.ended();
  await vi.advanceTimersByTimeAsync(50);
  expect(heard).toEqual(["away: broke", "lost: broke"]);

  opened[2]?.become("whole");
  opened[2]?.events.failed(new Error("again"));
  expect(heard).toEqual(["away: broke", "lost: broke", "away: again"]);
});

test("a session that stays down for two seconds is given up, one that is partly up is not", async () => {
  const sessions = start();
  await vi.advanceTimersByTimeAsync(1_999);
  expect(sessions.current().number).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(sessions.current().number).toBe(1);
  expect(heard).toEqual(["away: Redis does not answer"]);

  opened[1]?.become("part");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sessions.current().number).toBe(1);
  opened[1]?.become("down");
  await vi.advanceTimersByTimeAsync(2_000);
  expect(sessions.current().number).toBe(2);
});

test("replaced at once, and nothing that the old session tells is heard", async () => {
  const sessions = start();
  opened[0]?.become("whole");
  sessions.replace();
  expect(sessions.current().number).toBe(1);
  opened[1]?.become("whole");
  opened[0]?.lose("late");
  await vi.advanceTimersByTimeAsync(60_000);
  expect([opened.length, closed, heard]).toEqual([2, [0], []]);
});

test("closed, it opens none any more, and leaves no timer", async () => {
  const sessions = start();
  opened[0]?.events.ended();
  sessions.close();
  sessions.replace();
  await vi.advanceTimersByTimeAsync(60_000);
  expect([opened.length, closed, heard]).toEqual([1, [0], []]);
  expect(vi.getTimerCount()).toBe(0);
  expect(sessions.isStarted()).toBe(true);
});
