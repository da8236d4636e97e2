// Changes that one gateway made are acted on by another on the same PostgreSQL, each kind of them.

import { expect, test } from "vitest";
import { measureSeen } from "./seen/seen.ts";
import { measureTokensSeen } from "./seen/seen-tokens.ts";
import { emptyPostgres } from "./store/connections.ts";

test("every kind of change is seen by another gateway on the same PostgreSQL", async () => {
  const { url } = await emptyPostgres();
  expect(await measureSeen({ DATABASE_URL: url })).toHaveLength(8);
});

test("tokens that are taken back in any way are refused by another gateway on the same PostgreSQL", async () => {
  const { url } = await emptyPostgres();
  expect(await measureTokensSeen({ DATABASE_URL: url, TOKEN_ALG: "ES256" })).toHaveLength(7);
});
