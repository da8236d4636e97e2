// Operators' admin tokens: issue, identification, expiry and revocation.

import { expect, test } from "vitest";
import { adminTokenId, createOperators } from "../../../src/core/registry/operators.ts";
import { ACTOR, NOW } from "../../contracts/store-samples.ts";
import { openRegistry } from "./open-registry.ts";

const SECRET = "a-token-of-the-settings";

async function open() {
  const { store, clock, events } = await openRegistry();
  const settingsTokens = new Map([["COUNTERSIGN_ADMIN_TOKEN", SECRET]]);
  return { operators: createOperators(store.operators, settingsTokens, () => clock.now), clock, events };
}

const DRAFT = { name: "Ada L", role: "read", expiresAt: NOW + 1_000 } as const;

test("a token is accepted until it expires, and the audit log does not have its secret", async () => {
  const { operators, clock, events } = await open();
  const { token, adminToken } = await operators.issue(DRAFT, ACTOR);
  expect(adminToken).toMatch(/^cst_[\w-]{43}$/);
  expect(token).toMatchObject({ tokenId: adminTokenId(adminToken), name: "Ada L", role: "read", createdAt: NOW });
  expect(await operators.identify(adminToken)).toEqual(token);
  expect(await operators.confirm(token.tokenId)).toEqual(token);
  expect(await events()).toEqual([
    {
      action: "IssueOperatorToken",
      resource: `operators/${token.tokenId}`,
      customerId: "",
      details: { name: "Ada L", role: "read", expires_at: new Date(NOW + 1_000).toISOString() },
    },
  ]);
  clock.now = NOW + 1_000;
  const expired = { reason: "invalid_admin_token", message: "this admin token has expired. Ask for another" };
  for (const call of [operators.identify(adminToken), operators.confirm(token.tokenId)]) {
    await expect(call).rejects.toMatchObject(expired);
  }
});

test("a revoked token is refused from the next call on, and is revoked once", async () => {
  const { operators, clock, events } = await open();
  const { token, adminToken } = await operators.issue({ ...DRAFT, expiresAt: undefined }, ACTOR);
  expect(token.expiresAt).toBe(NOW + 90 * 86_400_000);
  await operators.revoke(token.tokenId, ACTOR);
  clock.now += 5;
  expect(await operators.revoke(token.tokenId, ACTOR)).toMatchObject({ revokedAt: NOW });
  const message = "this admin token was revoked. Ask for another";
  await expect(operators.identify(adminToken)).rejects.toMatchObject({ reason: "invalid_admin_token", message });
  await expect(operators.confirm(token.tokenId)).rejects.toMatchObject({ message });
  expect((await events()).map(({ action }) => action)).toEqual(["IssueOperatorToken", "RevokeOperatorToken"]);
});

test.each(["", SECRET.slice(1), `cst_${"A".repeat(43)}`, "00000000"])("%j is not a token", async (text) => {
  const { operators } = await open();
  await operators.issue(DRAFT, ACTOR);
  await expect(operators.identify(text)).rejects.toMatchObject({ reason: "invalid_admin_token" });
  await expect(operators.confirm(text)).rejects.toMatchObject({ reason: "invalid_admin_token" });
  await expect(operators.revoke(text, ACTOR)).rejects.toMatchObject({ reason: "does_not_exist" });
});

test("the token of the settings is listed last, has the role admin and cannot be revoked", async () => {
  const { operators } = await open();
  const { token } = await operators.issue(DRAFT, ACTOR);
  const setting = await operators.identify(SECRET);
  expect(setting).toMatchObject({ name: "COUNTERSIGN_ADMIN_TOKEN", role: "admin", createdAt: undefined });
  expect(await operators.list()).toEqual([token, setting]);
  expect(await operators.confirm(setting.tokenId)).toEqual(setting);
  await expect(operators.revoke(setting.tokenId, ACTOR)).rejects.toMatchObject({ reason: "failed_precondition" });
});

test.each([
  [{ name: "" }, "name"],
  [{ name: "ada  l" }, "name"],
  [{ name: "adä" }, "name"],
  [{ name: "x".repeat(101) }, "name"],
  [{ expiresAt: NOW }, "expire_time"],
])("a draft with %j is refused", async (draft, field) => {
  const { operators } = await open();
  const error = { reason: "malformed", details: { field } };
  await expect(operators.issue({ ...DRAFT, ...draft }, ACTOR)).rejects.toMatchObject(error);
});
