// Sessions of the dashboard, opened by an admin token or a code; a revoked token ends its sessions.

import { expect, test } from "vitest";
import { createMemoryLimiter } from "../../../src/core/limiter/memory.ts";
import { createOperators } from "../../../src/core/registry/operators.ts";
import { createSessions, signInLink } from "../../../src/core/registry/sessions.ts";
import { createSealer } from "../../../src/store/sealing.ts";
import { ACTOR, NOW } from "../../contracts/store-samples.ts";
import { openRegistry } from "./open-registry.ts";

const HOUR = 3_600_000;
const KEY = Buffer.alloc(32, 1);
const OTHER_KEY = Buffer.alloc(32, 2);

async function open(settings = "a-token-of-the-settings") {
  const { store, clock } = await openRegistry();
  const now = () => clock.now;
  const settingsTokens = new Map([["COUNTERSIGN_ADMIN_TOKEN", settings]]);
  const operators = createOperators(store.operators, settingsTokens, now);
  const limiter = createMemoryLimiter();
  const sessionsUnder = (...keys: readonly Uint8Array[]) =>
    createSessions({ operators, limiter, sealer: createSealer(keys), now });
  const { adminToken, token } = await operators.issue({ name: "ada", role: "read", expiresAt: undefined }, ACTOR);
  return { clock, operators, sessionsUnder, sessions: sessionsUnder(KEY), adminToken, token, settings };
}

const ENDED = { reason: "invalid_admin_token", message: "the session has ended. Sign in again" };

test("a session lasts for 12 hours, on every gateway with the master key", async () => {
  const { clock, sessions, sessionsUnder, adminToken, token } = await open();
  const { text, expiresAt } = await sessions.openByToken(adminToken);
  expect(expiresAt).toBe(NOW + 12 * HOUR);
  expect(text).toMatch(/^[\w-]+$/);
  clock.now = expiresAt - 1;
  expect(await sessionsUnder(OTHER_KEY, KEY).confirm(text)).toEqual(token);
  await expect(sessionsUnder(OTHER_KEY).confirm(text)).rejects.toMatchObject(ENDED);
  clock.now = expiresAt;
  await expect(sessions.confirm(text)).rejects.toMatchObject(ENDED);
});

test("a session ends with its token: revoked, expired, or replaced in the settings", async () => {
  const { clock, operators, sessions, adminToken, token, settings } = await open();
  const { text } = await sessions.openByToken(adminToken);
  await operators.revoke(token.tokenId, ACTOR);
  await expect(sessions.confirm(text)).rejects.toThrow("this admin token was revoked. Ask for another");

  const short = await operators.issue({ name: "bob", role: "read", expiresAt: NOW + HOUR }, ACTOR);
  const session = await sessions.openByToken(short.adminToken);
  expect(session.expiresAt).toBe(NOW + HOUR);
  clock.now = NOW + HOUR;
  await expect(sessions.confirm(session.text)).rejects.toMatchObject(ENDED);

  const { text: ofSettings } = await sessions.openByToken(settings);
  expect(await sessions.confirm(ofSettings)).toMatchObject({ role: "admin" });
  const { sessions: others } = await open("another-token-of-the-settings");
  await expect(others.confirm(ofSettings)).rejects.toMatchObject({ reason: "invalid_admin_token" });
});

test("a code opens one session, within a minute, and none for a revoked token", async () => {
  const { clock, operators, sessions, token } = await open();
  const used = /^this link has signed in already or is older than a minute/;
  const { text: code, expiresAt } = sessions.issueCode(token);
  expect(expiresAt).toBe(NOW + 60_000);
  const { text } = await sessions.openByCode(code);
  expect(await sessions.confirm(text)).toEqual(token);
  for (const again of [code, `${code}=`, `${code} `]) await expect(sessions.openByCode(again)).rejects.toThrow(used);
  const late = sessions.issueCode(token);
  clock.now = late.expiresAt;
  await expect(sessions.openByCode(late.text)).rejects.toThrow(used);
  await expect(sessions.openByCode("")).rejects.toThrow(used);
  const early = sessions.issueCode(token);
  await operators.revoke(token.tokenId, ACTOR);
  await expect(sessions.openByCode(early.text)).rejects.toThrow("this admin token was revoked. Ask for another");
});

test("a code is taken once, at one of several gateways that share their limits", async () => {
  const { sessions, sessionsUnder, token } = await open();
  const { text: code } = sessions.issueCode(token);
  const gateways = [sessions, sessionsUnder(KEY), sessionsUnder(OTHER_KEY, KEY)];
  const opened = await Promise.allSettled(gateways.map((gateway) => gateway.openByCode(code)));
  expect(opened.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected", "rejected"]);
});

test("other values are not sessions, and a session is not a code", async () => {
  const { sessions, token, adminToken } = await open();
  const { text } = await sessions.openByToken(adminToken);
  const { text: code } = sessions.issueCode(token);
  const foreign = createSealer([KEY]).seal(Buffer.from("0a1b2c3d 9999999999999"), ["another context"]);
  const others = ["", "x", text.slice(1), `${text}A`, "A".repeat(10_000), foreign.toString("base64url")];
  for (const other of [...others, adminToken, code]) await expect(sessions.confirm(other)).rejects.toMatchObject(ENDED);
  for (const opened of [sessions.openByToken("another"), sessions.openByCode(text)]) {
    await expect(opened).rejects.toMatchObject({ reason: "invalid_admin_token" });
  }
});

test("a link has its code in the fragment, which browsers do not send", () => {
  expect(signInLink("https://gateway:9090", "abc")).toBe("https://gateway:9090/#sign-in=abc");
  expect(signInLink("https://gateway:9090/", "abc")).toBe("https://gateway:9090/#sign-in=abc");
});
