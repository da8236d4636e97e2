// Operators' admin tokens, and the sessions of the dashboard.

import { describe, expect, test } from "vitest";
import { createMemoryLimiter } from "../../../src/core/limiter/memory.ts";
import { adminTokenId, createOperators } from "../../../src/core/registry/operators.ts";
import { createSessions, signInLink } from "../../../src/core/registry/sessions.ts";
import { createSealer } from "../../../src/store/sealing.ts";
import { ACTOR, NOW } from "../../contracts/store-samples.ts";
import { openRegistry } from "./open-registry.ts";

const SECRET = "a-token-of-the-settings";
const HOUR = 3_600_000;
const DRAFT = { name: "Ada L", role: "read", expiresAt: NOW + HOUR } as const;
const KEY = Buffer.alloc(32, 1);
const OTHER_KEY = Buffer.alloc(32, 2);

async function open(secret = SECRET) {
  const { store, clock, events } = await openRegistry();
  const now = () => clock.now;
  const operators = createOperators(store.operators, new Map([["COUNTERSIGN_ADMIN_TOKEN", secret]]), now);
  const limiter = createMemoryLimiter();
  /** The sessions of a gateway with these master keys. */
  const sessionsUnder = (...keys: readonly Uint8Array[]) =>
    createSessions({ operators, limiter, sealer: createSealer(keys), now });
  return { operators, clock, events, sessionsUnder, sessions: sessionsUnder(KEY) };
}

/** Opens operators with an admin token that expires in 90 days. */
async function openWithToken() {
  const opened = await open();
  return { ...opened, ...(await opened.operators.issue({ ...DRAFT, expiresAt: undefined }, ACTOR)) };
}

const REVOKED = { reason: "invalid_admin_token", message: "this admin token was revoked. Ask for another" };

describe("an admin token", () => {
  test("is accepted until it expires, and the audit log does not have its secret", async () => {
    const { operators, clock, events } = await open();
    const { token, adminToken } = await operators.issue(DRAFT, ACTOR);
    expect(adminToken).toMatch(/^cst_[\w-]{43}$/);
    expect(token).toMatchObject({ tokenId: adminTokenId(adminToken), name: "Ada L", role: "read", createdAt: NOW });
    clock.now = DRAFT.expiresAt - 1;
    expect(await operators.identify(adminToken)).toEqual(token);
    expect(await operators.confirm(token.tokenId)).toEqual(token);
    const details = { name: "Ada L", role: "read", expires_at: new Date(DRAFT.expiresAt).toISOString() };
    const resource = `operators/${token.tokenId}`;
    expect(await events()).toEqual([{ action: "IssueOperatorToken", resource, customerId: "", details }]);
    clock.now = DRAFT.expiresAt;
    const expired = { reason: "invalid_admin_token", message: "this admin token has expired. Ask for another" };
    for (const call of [operators.identify(adminToken), operators.confirm(token.tokenId)]) {
      await expect(call).rejects.toMatchObject(expired);
    }
  });

  test("is refused from its revocation on, and is revoked once", async () => {
    const { operators, clock, events, token, adminToken } = await openWithToken();
    expect(token.expiresAt).toBe(NOW + 90 * 24 * HOUR);
    await operators.revoke(token.tokenId, ACTOR);
    clock.now += 5;
    expect(await operators.revoke(token.tokenId, ACTOR)).toMatchObject({ revokedAt: NOW });
    await expect(operators.identify(adminToken)).rejects.toMatchObject(REVOKED);
    await expect(operators.confirm(token.tokenId)).rejects.toMatchObject(REVOKED);
    expect((await events()).map(({ action }) => action)).toEqual(["IssueOperatorToken", "RevokeOperatorToken"]);
  });

  test.each(["", SECRET.slice(1), `cst_${"A".repeat(43)}`, "00000000"])("is not %j", async (text) => {
    const { operators } = await openWithToken();
    await expect(operators.identify(text)).rejects.toMatchObject({ reason: "invalid_admin_token" });
    await expect(operators.confirm(text)).rejects.toMatchObject({ reason: "invalid_admin_token" });
    await expect(operators.revoke(text, ACTOR)).rejects.toMatchObject({ reason: "does_not_exist" });
  });

  test("in the settings is listed last, has the role admin and cannot be revoked", async () => {
    const { operators, token } = await openWithToken();
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
  ])("is not issued with %j", async (draft, field) => {
    const { operators } = await open();
    const error = { reason: "malformed", details: { field } };
    await expect(operators.issue({ ...DRAFT, ...draft }, ACTOR)).rejects.toMatchObject(error);
  });
});

const ENDED = { reason: "invalid_admin_token", message: "the session has ended. Sign in again" };

describe("a session", () => {
  test("lasts for 12 hours, on every gateway with the master key", async () => {
    const { clock, sessions, sessionsUnder, adminToken, token } = await openWithToken();
    const { text, expiresAt } = await sessions.openByToken(adminToken);
    expect(expiresAt).toBe(NOW + 12 * HOUR);
    expect(text).toMatch(/^[\w-]+$/);
    clock.now = expiresAt - 1;
    expect(await sessionsUnder(OTHER_KEY, KEY).confirm(text)).toEqual(token);
    await expect(sessionsUnder(OTHER_KEY).confirm(text)).rejects.toMatchObject(ENDED);
    clock.now = expiresAt;
    await expect(sessions.confirm(text)).rejects.toMatchObject(ENDED);
  });

  test("ends with its token: revoked, expired, or replaced in the settings", async () => {
    const { clock, operators, sessions, adminToken, token } = await openWithToken();
    const { text } = await sessions.openByToken(adminToken);
    await operators.revoke(token.tokenId, ACTOR);
    await expect(sessions.confirm(text)).rejects.toMatchObject(REVOKED);

    const short = await operators.issue(DRAFT, ACTOR);
    const session = await sessions.openByToken(short.adminToken);
    expect(session.expiresAt).toBe(DRAFT.expiresAt);
    clock.now = DRAFT.expiresAt;
    await expect(sessions.confirm(session.text)).rejects.toMatchObject(ENDED);

    const { text: ofSettings } = await sessions.openByToken(SECRET);
    expect(await sessions.confirm(ofSettings)).toMatchObject({ role: "admin" });
    const { sessions: others } = await open("another-token-of-the-settings");
    await expect(others.confirm(ofSettings)).rejects.toMatchObject({ reason: "invalid_admin_token" });
  });

  test("is no other value, and no code", async () => {
    const { sessions, token, adminToken } = await openWithToken();
    const { text } = await sessions.openByToken(adminToken);
    const { text: code } = sessions.issueCode(token);
    const foreign = createSealer([KEY]).seal(Buffer.from("0a1b2c3d 9999999999999"), ["another context"]);
    const others = ["", "x", text.slice(1), `${text}A`, "A".repeat(10_000), foreign.toString("base64url")];
    for (const other of [...others, adminToken, code])
      await expect(sessions.confirm(other)).rejects.toMatchObject(ENDED);
    for (const opened of [sessions.openByToken("another"), sessions.openByCode(text)]) {
      await expect(opened).rejects.toMatchObject({ reason: "invalid_admin_token" });
    }
  });
});

describe("a code", () => {
  test("opens one session, within a minute, and none for a revoked token", async () => {
    const { clock, operators, sessions, token } = await openWithToken();
    const used = /^this link has signed in already or is older than a minute/;
    const { text: code, expiresAt } = sessions.issueCode(token);
    expect(expiresAt).toBe(NOW + 60_000);
    const { text } = await sessions.openByCode(code);
    expect(await sessions.confirm(text)).toEqual(token);
    const late = sessions.issueCode(token);
    for (const again of [code, `${code}=`, `${code} `, ""])
      await expect(sessions.openByCode(again)).rejects.toThrow(used);
    clock.now = late.expiresAt;
    await expect(sessions.openByCode(late.text)).rejects.toThrow(used);
    const early = sessions.issueCode(token);
    await operators.revoke(token.tokenId, ACTOR);
    await expect(sessions.openByCode(early.text)).rejects.toMatchObject(REVOKED);
  });

  test("is taken once, at one of several gateways that share their limits", async () => {
    const { sessions, sessionsUnder, token } = await openWithToken();
    const { text: code } = sessions.issueCode(token);
    const gateways = [sessions, sessionsUnder(KEY), sessionsUnder(OTHER_KEY, KEY)];
    const opened = await Promise.allSettled(gateways.map((gateway) => gateway.openByCode(code)));
    expect(opened.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected", "rejected"]);
  });

  test("is in the fragment of its link, which browsers do not send", () => {
    for (const url of ["https://gateway:9090", "https://gateway:9090/"]) {
      expect(signInLink(url, "abc")).toBe("https://gateway:9090/#sign-in=abc");
    }
  });
});
