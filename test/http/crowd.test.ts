// Each crowd of connections that has left gives one notification, after five calm seconds.

import { beforeEach, expect, test } from "vitest";
import { CrowdWatch } from "../../src/http/crowd.ts";

let left: number;
let watch: CrowdWatch;

beforeEach(() => {
  left = 0;
  watch = new CrowdWatch(() => left++);
});

/** Lets seconds pass, each with this many requests, and with this many open connections at its end. */
function pass(seconds: number, open: number, requests = 0): void {
  for (let second = 0; second < seconds; second++) {
    for (let request = 0; request < requests; request++) watch.count();
    watch.tick(open);
  }
}

test("gives one notification that 100 connections have left, after five calm seconds", () => {
  pass(1, 120, 201);
  pass(4, 20);
  expect(left).toBe(0);
  pass(1, 20);
  expect(left).toBe(1);
  pass(60, 0);
  expect(left).toBe(1);
});

test("waits while requests are many", () => {
  pass(1, 1_000, 201);
  pass(60, 0, 201);
  expect(left).toBe(0);
  pass(5, 0, 200);
  expect(left).toBe(1);
});

test("notifies after a second with 1,000 requests and closed connections together, though few were open at once", () => {
  pass(1, 10, 1_000);
  pass(5, 0);
  expect(left).toBe(1);
  pass(60, 0);
  expect(left).toBe(1);
  pass(1, 10, 999);
  pass(60, 0);
  expect(left).toBe(1);
});

test("does not notify of a few that leave, nor of a crowd that stays", () => {
  pass(10, 99);
  pass(10, 0);
  pass(60, 5_000);
  expect(left).toBe(0);
});

test("notifies of the next crowd", () => {
  for (const crowd of [1, 2, 3]) {
    pass(2, 100, 201);
    pass(6, 0);
    expect(left).toBe(crowd);
  }
});
