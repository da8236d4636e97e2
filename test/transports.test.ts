// One table of cases over every protocol and both listeners: the same login, the same reason, headers and words.

import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signLogin } from "../src/cli/sign.ts";
import { CUSTOMER_KEY, openGateway, type TestGateway } from "./gateway.ts";
import {
  type Answer,
  type Channel,
  channels,
  http2Channels,
  type LoginFields,
  type Session,
} from "./transports/channels.ts";

const NOW = 1_764_000_000_000;
const SECONDS = NOW / 1000;

type Listener = "publicUrl" | "internalUrl";
type Which = "usual" | "strict" | "away";

/** A gateway for each configuration that a case needs; time stands still in all of them. */
const gateways = new Map<Which, TestGateway>();

beforeAll(async () => {
  const options = { now: () => NOW };
  gateways.set("usual", await openGateway({ ADDRESS_LIMIT: "off" }, options));
  gateways.set("strict", await openGateway({ ADDRESS_LIMIT: "1/60s" }, options));
  gateways.set("away", await openGateway({ REDIS_URL: "redis://127.0.0.1:1", REDIS_DOWN: "deny" }, options));
});

afterAll(async () => {
  for (const gateway of gateways.values()) await gateway.close();
});

interface Case {
  readonly name: string;
  readonly on?: Which;
  /** Enrols what the case needs and says what is sent, in order; the answer to the last is the one that counts. */
  readonly logins: (gateway: TestGateway) => Promise<readonly LoginFields[]>;
  readonly expected: Partial<Answer>;
}

function sign(deviceKey: string, timestamp: number = SECONDS, customerKey: string = CUSTOMER_KEY): LoginFields {
  return signLogin({ deviceKey, customerKey }, timestamp);
}

/** A case whose only login is a right one, changed. */
function changed(change: (login: LoginFields) => LoginFields): Case["logins"] {
  return async (gateway) => [change(sign(await gateway.enrol()))];
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

const malformed = (field: string, message: string): Case["expected"] => ({
  outcome: "malformed",
  message,
  metadata: { field },
  headers: {},
});

const cases: readonly Case[] = [
  {
    name: "a right login",
    logins: changed((login) => login),
    expected: { outcome: "ok", expiresIn: 600, metadata: {}, headers: limitHeaders("login", 10, 9) },
  },
  {
    name: "a signature in upper-case hex",
    logins: changed((login) => ({ ...login, device_signature: login.device_signature?.toUpperCase() ?? "" })),
    expected: { outcome: "ok", headers: limitHeaders("login", 10, 9) },
  },
  {
    name: "the same login twice, by two boards of a fleet",
    logins: async (gateway) => {
      const login = sign(await gateway.enrol());
      return [login, login];
    },
    expected: { outcome: "ok", headers: limitHeaders("login", 10, 8) },
  },
  {
    name: "no device_key",
    logins: changed(({ device_key: _, ...login }) => login),
    expected: malformed("device_key", "device_key is missing or empty"),
  },
  {
    name: "a device_key of 97 characters",
    logins: changed((login) => ({ ...login, device_key: "k".repeat(97) })),
    expected: malformed("device_key", "device_key has 97 characters. It has at most 96"),
  },
  {
    name: "a device_key with a space",
    logins: changed((login) => ({ ...login, device_key: "a b" })),
    expected: malformed("device_key", "device_key has a character that is not visible ASCII at place 2"),
  },
  {
    name: "no timestamp",
    logins: changed(({ timestamp: _, ...login }) => login),
    expected: malformed("timestamp", "timestamp is missing. Send the Unix time in whole seconds"),
  },
  {
    name: "milliseconds for a timestamp",
    logins: changed((login) => ({ ...login, timestamp: NOW })),
    expected: malformed("timestamp", "timestamp is in milliseconds. Send whole seconds and sign those"),
  },
  {
    name: "a negative timestamp",
    logins: changed((login) => ({ ...login, timestamp: -1 })),
    expected: malformed("timestamp", "timestamp is negative. Send the Unix time in whole seconds"),
  },
  {
    name: "no device_signature",
    logins: changed(({ device_signature: _, ...login }) => login),
    expected: malformed("device_signature", "device_signature is missing or empty"),
  },
  {
    name: "the label of openssl",
    logins: changed((login) => ({ ...login, device_signature: `SHA2-256(stdin)= ${login.device_signature}` })),
    expected: malformed(
      "device_signature",
      "device_signature carries the label that openssl prints. Send only the 64 hex digits after the equals sign",
    ),
  },
  {
    name: "base64 for hex",
    logins: changed((login) => ({
      ...login,
      device_signature: Buffer.from(login.device_signature ?? "", "hex").toString("base64"),
    })),
    expected: malformed("device_signature", "device_signature looks like base64. Send the HMAC as 64 hex digits"),
  },
  {
    name: "63 digits",
    logins: changed((login) => ({ ...login, device_signature: login.device_signature?.slice(1) ?? "" })),
    expected: malformed("device_signature", "device_signature has 63 hex digits. HMAC-SHA256 gives 64"),
  },
  {
    name: "a message of over 4 KiB",
    logins: changed((login) => ({ ...login, device_key: "k".repeat(4_200) })),
    expected: {
      outcome: "too_large",
      message: "the request has more than 4096 bytes",
      metadata: {},
      headers: {},
    },
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
  {
    name: "a clock that is 301 seconds ahead",
    logins: async (gateway) => [sign(await gateway.enrol(), SECONDS + 301)],
    expected: {
      outcome: "clock_skew",
      message: "timestamp is 301 seconds ahead of the server. Set the clock from server_time and sign again",
    },
  },
  {
    name: "a clock that is 300 seconds behind",
    logins: async (gateway) => [sign(await gateway.enrol(), SECONDS - 300)],
    expected: { outcome: "ok" },
  },
  {
    name: "an unknown device",
    logins: async () => [sign(`unknown-${crypto.randomUUID()}`)],
    expected: {
      outcome: "invalid_credentials",
      metadata: { policy: "failure" },
      headers: { ...limitHeaders("failure", 10, 9), ...challenge("invalid_credentials") },
    },
  },
  {
    name: "a wrong secret",
    logins: async (gateway) => [sign(await gateway.enrol(), SECONDS, "another secret")],
    expected: {
      outcome: "invalid_credentials",
      metadata: { policy: "failure" },
      headers: { ...limitHeaders("failure", 10, 9), ...challenge("invalid_credentials") },
    },
  },
  {
    name: "the eleventh wrong proof",
    logins: async (gateway) => Array<LoginFields>(11).fill(sign(await gateway.enrol(), SECONDS, "another secret")),
    expected: {
      outcome: "rate_limited",
      metadata: { policy: "failure" },
      retryAfter: 60,
      headers: { ...limitHeaders("failure", 10, 0), "retry-after": "60" },
    },
  },
  {
    name: "a right proof after eleven wrong ones",
    logins: async (gateway) => {
      const deviceKey = await gateway.enrol();
      return [...Array<LoginFields>(11).fill(sign(deviceKey, SECONDS, "another secret")), sign(deviceKey)];
    },
    expected: { outcome: "ok", headers: limitHeaders("login", 10, 9) },
  },
  {
    name: "the eleventh login",
    logins: async (gateway) => Array<LoginFields>(11).fill(sign(await gateway.enrol())),
    expected: {
      outcome: "rate_limited",
      metadata: { policy: "login" },
      retryAfter: 60,
      headers: { ...limitHeaders("login", 10, 0), "retry-after": "60" },
    },
  },
  {
    name: "a disabled device",
    logins: async (gateway) => [sign(await gateway.enrol({ status: "disabled" }))],
    expected: { outcome: "disabled", message: "this device or its customer is disabled. Ask the operator" },
  },
  {
    name: "a proof used before, under replay guard",
    logins: async (gateway) => Array<LoginFields>(2).fill(sign(await gateway.enrol({ replayGuard: true }))),
    expected: {
      outcome: "replayed",
      metadata: { policy: "login" },
      headers: { ...limitHeaders("login", 10, 9), ...challenge("replayed") },
    },
  },
  {
    name: "an address over its limit",
    on: "strict",
    logins: async (gateway) => [sign(await gateway.enrol()), sign(await gateway.enrol())],
    expected: {
      outcome: "rate_limited",
      metadata: { policy: "address" },
      headers: { ...limitHeaders("address", 1, 0), "retry-after": "60" },
    },
  },
  {
    name: "a store of limits that is away",
    on: "away",
    logins: changed((login) => login),
    expected: { outcome: "unavailable", retryAfter: 5, metadata: {}, headers: { "retry-after": "5" } },
  },
];

const combinations: readonly { channel: Channel; listener: Listener }[] = [
  ...channels.flatMap((channel) => [
    { channel, listener: "publicUrl" as const },
    { channel, listener: "internalUrl" as const },
  ]),
  ...http2Channels.map((channel) => ({ channel, listener: "publicUrl" as const })),
];

describe.each(combinations)("$channel.name at $listener", ({ channel, listener }) => {
  const sessions = new Map<TestGateway, Session>();
  afterAll(() => {
    for (const session of sessions.values()) session.close();
  });

  test.each(cases)("$name", async ({ on = "usual", logins, expected }) => {
    const gateway = gateways.get(on);
    if (gateway === undefined) throw new Error(`no gateway ${on}`);
    const session = sessions.get(gateway) ?? channel.open(gateway[listener]);
    sessions.set(gateway, session);
    let answer: Answer | undefined;
    for (const login of await logins(gateway)) answer = await session.send(login);
    expect(answer).toMatchObject(expected);
    // Exact, where the case says it all: toMatchObject lets more pass.
    if (expected.headers !== undefined) expect(answer?.headers).toEqual(expected.headers);
    if (expected.metadata !== undefined) expect(answer?.metadata).toEqual(expected.metadata);
    expect(answer?.message ?? "").not.toMatch(/[;/?:@&=+$,#]/);
    if (expected.outcome === "ok") {
      expect(decodeJwt(answer?.token ?? "")).toMatchObject({ aud: "devices", iat: SECONDS, exp: SECONDS + 600 });
    }
  });
});
