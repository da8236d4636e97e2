// The connections of each listener, by the process's limit of open files.

import { expect, test } from "vitest";
import { shareDescriptors } from "../../src/app/listeners.ts";

test.each([
  { limit: Number.POSITIVE_INFINITY, shares: { public: 10_000, internal: 10_000 } },
  { limit: 20_000, shares: { public: 10_000, internal: 9_800 } },
  { limit: 10_700, shares: { public: 10_000, internal: 500 } },
  { limit: 1_024, shares: { public: 424, internal: 400 } },
  { limit: 300, shares: { public: 50, internal: 50 } },
])("$limit open files leave $shares", ({ limit, shares }) => {
  expect(shareDescriptors(10_000, limit)).toEqual(shares);
});
