// `countersign signing-keys`, a process of its own against a real gateway.

import { afterAll, beforeAll, expect, test } from "vitest";
import { type Operator, openOperator } from "./operator.ts";

let operator: Operator;
beforeAll(async () => {
  operator = await openOperator();
});
afterAll(() => operator.gateway.close());

test("the keys are those that the JWKS shows", async () => {
  const response = await fetch(new URL("/.well-known/jwks.json", operator.gateway.publicUrl));
  const { keys }: { keys: readonly { kid: string }[] } = JSON.parse(await response.text());
  const listed = await operator.operateJson(["signing-keys", "list"]);
  expect(listed).toEqual([
    { kid: keys[0]?.kid, alg: "RS256", state: "active", create_time: expect.stringMatching(/^20\d\d-/) },
  ]);
  const { stdout } = await operator.operate(["signing-keys", "list"]);
  expect(stdout).toMatch(new RegExp(`^kid +alg +state +create_time\\n${keys[0]?.kid}  RS256  active `));
});
