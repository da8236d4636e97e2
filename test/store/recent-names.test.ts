// Names that came lately: noted, told, and forgotten by the coming of others.

import fc from "fast-check";
import { expect, test } from "vitest";
import { createRecentNames } from "../../src/store/recent-names.ts";

test("a name is recent from the second time on", () => {
  fc.assert(
    fc.property(fc.string(), (name) => {
      const isRecent = createRecentNames();
      expect([isRecent(name), isRecent(name), isRecent(name)]).toEqual([false, true, true]);
    }),
  );
});

test("it is forgotten once others have come in its place, and no sooner", () => {
  const isRecent = createRecentNames(64);
  isRecent("first");
  expect(isRecent("first")).toBe(true);
  for (let place = 0; place < 1_000; place++) isRecent(`name-${place}`);
  expect(isRecent("first")).toBe(false);
});

test("of a fleet that comes once in a long while hardly any name is recent, of a small one all are", () => {
  const isRecent = createRecentNames();
  const come = (devices: number): number => {
    let recent = 0;
    for (let place = 0; place < devices; place++) if (isRecent(`pump-${place}`)) recent++;
    return recent;
  };
  come(1_000_000);
  expect(come(1_000_000)).toBeLessThan(1_000);
  const few = createRecentNames();
  for (let place = 0; place < 1_000; place++) few(`pump-${place}`);
  let again = 0;
  for (let place = 0; place < 1_000; place++) if (few(`pump-${place}`)) again++;
  expect(again).toBeGreaterThan(950);
});
