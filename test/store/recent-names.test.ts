// Names that came lately: noted, told, and forgotten by the coming of others.

import fc from "fast-check";
import { expect, test } from "vitest";
import { createRecentNames } from "../../src/store/recent-names.ts";

/** How many of a fleet are recent, each coming once. */
function come(isRecent: (name: string) => boolean, devices: number, fleet = "pump"): number {
  let recent = 0;
  for (let place = 0; place < devices; place++) if (isRecent(`${fleet}-${place}`)) recent++;
  return recent;
}

test("a name is recent from the second time on", () => {
  fc.assert(
    fc.property(fc.string(), (name) => {
      const isRecent = createRecentNames(100);
      expect([isRecent(name), isRecent(name), isRecent(name)]).toEqual([false, true, true]);
    }),
  );
});

test("as many names as it is for are all known again, in whatever order they come", () => {
  const isRecent = createRecentNames(20_000);
  expect(come(isRecent, 20_000)).toBeLessThan(400);
  expect(come(isRecent, 20_000)).toBe(20_000);
});

test("a name is forgotten once twice as many others have come", () => {
  const isRecent = createRecentNames(1_000);
  come(isRecent, 500, "first");
  come(isRecent, 2_100, "other");
  expect(come(isRecent, 500, "first")).toBeLessThan(25);
});

test("of a fleet that comes once in a long while hardly any is recent", () => {
  const isRecent = createRecentNames(20_000);
  come(isRecent, 1_000_000);
  expect(come(isRecent, 1_000_000)).toBeLessThan(30_000);
});
