// Logins of every outcome, with the answer that every protocol gives: reason, headers and message.

import { CUSTOMER_KEY, signNow, startFileGateway, type TestGateway } from "../gateway.ts";
import type { Answer, LoginFields } from "./channels.ts";

export const NOW = 1_764_000_000_000;
const SECONDS = NOW / 1000;

const SETTINGS = {
  default: { ADDRESS_LIMIT: "off" },
  strict: { ADDRESS_LIMIT: "1/60s" },
  away: { REDIS_URL: "redis://127.0.0.1:1", REDIS_DOWN: "deny" },
};

/** Starts a gateway for each configuration, for the tests of the calling file. */
export async function startCaseGateways(now: () => number): Promise<Record<keyof typeof SETTINGS, TestGateway>> {
  const start = (name: keyof typeof SETTINGS) => startFileGateway(SETTINGS[name], { now });
  return { default: await start("default"), strict: await start("strict"), away: await start("away") };
}

interface LoginCase {
  readonly name: string;
  /** The gateway's configuration; absent: default. */
  readonly on?: keyof typeof SETTINGS;
  /** Enrols a device and returns its logins, in order; the test checks the answer to the last one. */
  readonly logins: (gateway: TestGateway) => Promise<readonly LoginFields[]>;
  readonly expected: Partial<Answer> & Pick<Answer, "outcome">;
}

/** A login of NOW. */
export const sign = (deviceKey: string, timestamp = SECONDS, customerKey = CUSTOMER_KEY): LoginFields =>
  signNow(deviceKey, customerKey, timestamp);

/** A valid login with a change. */
function changed(change: (login: LoginFields) => LoginFields = (login) => login): LoginCase["logins"] {
  return async (gateway) => [change(sign(await gateway.enrol()))];
}

/** Repeats the same login. */
function repeated(times: number, device: Parameters<TestGateway["enrol"]>[0] = {}, key?: string): LoginCase["logins"] {
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

const wrongProof: LoginCase["expected"] = {
  outcome: "invalid_credentials",
  metadata: { policy: "failure" },
  headers: { ...limitHeaders("failure", 10, 9), ...challenge("invalid_credentials") },
};

const rateLimited = (policy: string, limit = 10): LoginCase["expected"] => ({
  outcome: "rate_limited",
  metadata: { policy },
  retryAfter: 60,
  headers: { ...limitHeaders(policy, limit, 0), "retry-after": "60" },
});

export const loginCases: readonly LoginCase[] = [
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
