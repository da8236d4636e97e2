// Days that there are.

import fc from "fast-check";
import { expect, test } from "vitest";
import { namesDay } from "../../src/core/calendar.ts";

test("every day of the calendar is one", () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59Z"), noInvalidDate: true }),
      (date) => namesDay(date.toISOString()),
    ),
  );
});

test.each([
  "2027-02-29",
  "2027-02-31",
  "2026-04-31",
  "2100-02-29",
  "2026-13-01",
  "2026-00-10",
  "2026-01-32",
  "",
  "soon",
])("%s is none", (day) => {
  expect(namesDay(`${day}T12:00:00Z`)).toBe(false);
});
