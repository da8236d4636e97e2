// One table of login cases over every protocol: the same reason, headers and message.

import { decodeJwt } from "jose";
import { afterAll, describe, expect, test } from "vitest";
import { CUSTOMER_KEY, signNow, startFileGateway, type TestGateway } from "./gateway.ts";
import { type Answer, channels, type LoginFields, type Session } from "./protocols/channels.ts";

const NOW = 1_764_000_000_000;
const SECONDS = NOW / 1000;

const FROZEN_CLOCK = { now: () => NOW };

/** A gateway for each configuration, with frozen time. */
const gateways = {
  default: await startFileGateway({ ADDRESS_LIMIT: "off" }, FROZEN_CLOCK),
  strict: await startFileGateway({ ADDRESS_LIMIT: "1/60s" }, FROZEN_CLOCK),
  away: await startFileGateway({ REDIS_URL: "redis://127.0.0.1:1", REDIS_DOWN: "deny" }, FROZEN_CLOCK),
};

interface Case {
  readonly name: string;
  readonly on?: keyof typeof gateways;
  /** Enrols a device and returns its logins, in order; the test checks the answer to the last one. */
  readonly logins: (gateway: TestGateway) => Promise<readonly LoginFields[]>;
  readonly expected: Partial<Answer>;
}

const sign = (deviceKey: string, timestamp = SECONDS, customerKey = CUSTOMER_KEY): LoginFields =>
  signNow(deviceKey, customerKey, timestamp);

/** A valid login with a change. */
function changed(change: (login: LoginFields) => LoginFields = (login) => login): Case["logins"] {
  return async (gateway) => [change(sign(await gateway.enrol()))];
}

/** Repeats the same login. */
function repeated(times: number, device: Parameters<TestGateway["enrol"]>[0] = {}, key?: string): Case["logins"] {
  return async (gateway) => Array<LoginFields>(times).fill(sign(await gateway.enrol(device), SECONDS, key));
}

function limitHeaders(policy: string, limit: number, remaining: number, reset = 60): Record<string, string> {
  return {
    ratelimit: `"${policy}";r=${remaining};t=${reset}`,
    "ratelimit-policy": `"${policy}";q=${limit};w=60`,
    "x-ratelimit-limit": String(limit),
    "x-ratelimit-remaining": String(remaining),
    "x-ratelimit-reset": String(SECONDS + reset),
  };
}

function challenge(reason: string): Record<string, string> {
  return { "www-authenticate": `Countersign realm="devices", error="${reason}"` };
}

const wrongProof: Case["expected"] = {
  outcome: "invalid_credentials",
  metadata: { policy: "failure" },
  headers: { ...limitHeaders("failure", 10, 9), ...challenge("invalid_credentials") },
};

const rateLimited = (policy: string, limit = 10): Case["expected"] => ({
  outcome: "rate_limited",
  metadata: { policy },
  retryAfter: 60,
  headers: { ...limitHeaders(policy, limit, 0), "retry-after": "60" },
});

const cases: readonly Case[] = [
  {
    name: "a valid login",
    logins: changed(),
    expected: { outcome: "ok", expiresIn: 600, metadata: {}, headers: limitHeaders("login", 10, 9) },
  },
  {
    name: "a login without device_key",
    logins: changed(({ device_key: _, ...login }) => login),
    expected: {
      outcome: "malformed",
      message: "device_key is missing or empty",
      metadata: { field: "device_key" },
      headers: {},
    },
  },
  {
    name: "a message of over 4 KiB",
    logins: changed((login) => ({ ...login, device_key: "k".repeat(4_200) })),
    expected: { outcome: "too_large", message: "the request has more than 4096 bytes", metadata: {}, headers: {} },
  },
  {
    name: "a clock in 1970",
    logins: async (gateway) => [sign(await gateway.enrol(), 0)],
    expected: {
      outcome: "clock_skew",
      metadata: { server_time: String(SECONDS) },
      headers: challenge("clock_skew"),
    },
  },
  { name: "an unknown device", logins: async () => [sign(`unknown-${crypto.randomUUID()}`)], expected: wrongProof },
  { name: "a wrong signature", logins: repeated(1, {}, "another key"), expected: wrongProof },
  { name: "the eleventh wrong signature", logins: repeated(11, {}, "another key"), expected: rateLimited("failure") },
  { name: "the eleventh login", logins: repeated(11), expected: rateLimited("login") },
  {
    name: "a disabled device",
    logins: repeated(1, { status: "disabled" }),
    expected: { outcome: "disabled", message: "this device or its customer is disabled. Ask the operator" },
  },
  {
    name: "a replayed signature",
    logins: repeated(2, { replayGuard: true }),
    expected: {
      outcome: "replayed",
      metadata: { policy: "login" },
      headers: { ...limitHeaders("login", 10, 9), ...challenge("replayed") },
    },
  },
  {
    name: "an address over its limit",
    on: "strict",
    logins: repeated(2, {}, "another key"),
    expected: rateLimited("address", 1),
  },
  {
    name: "an unavailable limit store",
    on: "away",
    logins: changed(),
    expected: { outcome: "unavailable", retryAfter: 5, metadata: {}, headers: { "retry-after": "5" } },
  },
];

// protocols/differential.test.ts checks that both listeners answer alike.
describe.each(channels)("$name", (channel) => {
  const sessions = new Map<TestGateway, Session>();
  afterAll(() => {
    for (const session of sessions.values()) session.close();
  });

  test.each(cases)("$name", async ({ on = "default", logins, expected }) => {
    const gateway = gateways[on];
    const session = sessions.get(gateway) ?? channel.open(gateway.publicUrl);
    sessions.set(gateway, session);
    let answer: Answer | undefined;
    for (const login of await logins(gateway)) answer = await session.send(login);
    expect(answer).toMatchObject(expected);
    // toMatchObject ignores additional members.
    if (expected.headers !== undefined) expect(answer?.headers).toEqual(expected.headers);
    if (expected.metadata !== undefined) expect(answer?.metadata).toEqual(expected.metadata);
    expect(answer?.message ?? "").not.toMatch(/[;/?:@&=+$,#]/);
    if (expected.outcome === "ok") {
      expect(decodeJwt(answer?.token ?? "")).toMatchObject({ aud: "devices", iat: SECONDS, exp: SECONDS + 600 });
    }
  });
});
