// Short sieges: some of the attacks in turn, while devices log in.

import { expect, onTestFinished, test } from "vitest";
import { NO_LIMITS } from "./gateway.ts";
import { openSite } from "./siege/gateway.ts";
import { skirmish } from "./siege/siege.ts";

const DEVICES = 100;

test("withstands short floods, frame sequences, resets and closed peers", async () => {
  const site = await openSite(DEVICES, NO_LIMITS);
  onTestFinished(() => site.remove());
  const counts = {
    "frames-public": 500,
    "frames-internal": 500,
    resets: 40,
    "closed-peers": 30,
    "rapid-reset": 1_000,
    "continuation-flood": 1_000,
    "settings-flood": 2_000,
    "ping-flood": 2_000,
    "hpack-bombs": 100,
    "empty-data": 2_000,
    "window-0-all-streams": 20,
  };
  expect(await skirmish(site, counts)).toEqual([]);
});
