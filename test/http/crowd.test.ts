// Each crowd of connections that has left gives one notification, after five calm seconds.

import { expect, test } from "vitest";
import { CrowdWatch } from "../../src/http/crowd.ts";

/** Seconds, each with this many requests, and with this many open connections at its end. */
const pass = (seconds: number, open: number, requests = 0) => ({ seconds, open, requests });

test.each([
  ["one of 100 connections that left", [pass(1, 120, 201), pass(4, 20), pass(1, 20), pass(60, 0)], [0, 0, 1, 1]],
  ["none while requests are many", [pass(1, 1_000, 201), pass(60, 0, 201), pass(5, 0, 200)], [0, 0, 1]],
  ["one of 1,000 requests in a second, though few connections were open", [pass(1, 10, 1_000), pass(65, 0)], [0, 1]],
  ["none of 999 requests in a second", [pass(1, 10, 999), pass(60, 0)], [0, 0]],
  ["none of a few that leave, nor of a crowd that stays", [pass(10, 99), pass(10, 0), pass(60, 5_000)], [0, 0, 0]],
  ["one of each crowd", [pass(2, 100, 201), pass(6, 0), pass(2, 100, 201), pass(6, 0)], [0, 1, 1, 2]],
])("gives %s", (_name, phases, expected) => {
  let notifications = 0;
  const watch = new CrowdWatch(() => notifications++);
  const given = phases.map(({ seconds, open, requests }) => {
    for (let second = 0; second < seconds; second++) {
      for (let request = 0; request < requests; request++) watch.count();
      watch.tick(open);
    }
    return notifications;
  });
  expect(given).toEqual(expected);
});
