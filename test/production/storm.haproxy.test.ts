// The short version of `npm run storm`, without its times.

import { expect, test } from "vitest";
import { runStorm } from "./storm.ts";

test("every board of a storm gets its token, and every answer is 200, 429 or 503", async () => {
  const { withToken, counts } = await runStorm({ boards: 300, withinSeconds: 1, measureSeconds: 2 });
  expect(withToken).toBe(300);
  expect(Object.keys(counts).filter((status) => !["200", "429", "503"].includes(status))).toEqual([]);
});
