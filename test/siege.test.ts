// A short siege: some of its attacks in turn, while devices log in.

import { expect, onTestFinished, test } from "vitest";
import { openSite } from "./siege/gateway.ts";
import { skirmish } from "./siege/siege.ts";

const DEVICES = 100;
const ATTACKS = [
  "frames-public",
  "frames-internal",
  "closed-peers",
  "rapid-reset",
  "continuation-flood",
  "settings-flood",
  "ping-flood",
  "hpack-bombs",
  "empty-data",
  "window-0-all-streams",
] as const;

test("withstands short floods, frame sequences and closed peers", async () => {
  const site = await openSite(DEVICES);
  onTestFinished(() => site.remove());
  expect(await skirmish(site, ATTACKS, 0.01)).toEqual([]);
});
