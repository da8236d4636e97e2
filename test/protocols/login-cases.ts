// Logins of every outcome, with the answer that every protocol gives.

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
  readonly device?: Parameters<TestGateway["enrol"]>[0] | "unknown";
  readonly customerKey?: string;
  readonly timestamp?: number;
  /** Replace those of the right login. */
  readonly fields?: LoginFields;
  /** How often the login is sent; the test checks the last answer. */
  readonly times?: number;
  readonly expected: Partial<Answer> & Pick<Answer, "outcome">;
}

/** A login of NOW. */
export const sign = (deviceKey: string, timestamp = SECONDS, customerKey = CUSTOMER_KEY): LoginFields =>
  signNow(deviceKey, customerKey, timestamp);

/** Enrols a case's device. @returns its logins, in order */
export async function makeLogins(
  { device = {}, customerKey, timestamp, fields, times = 1 }: LoginCase,
  gateway: TestGateway,
): Promise<readonly LoginFields[]> {
  const deviceKey = device === "unknown" ? `unknown-${crypto.randomUUID()}` : await gateway.enrol(device);
  return Array<LoginFields>(times).fill({ ...sign(deviceKey, timestamp, customerKey), ...fields });
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

const WRONG = { customerKey: "another key" };

export const loginCases: readonly LoginCase[] = [
  {
    name: "a valid login",
    expected: { outcome: "ok", expiresIn: 600, metadata: {}, headers: limitHeaders("login", 10, 9) },
  },
  {
    name: "a login without device_key",
    fields: { device_key: "" },
    expected: {
      outcome: "malformed",
      message: "device_key is missing or empty",
      metadata: { field: "device_key" },
      headers: {},
    },
  },
  {
    name: "a message of over 4 KiB",
    fields: { device_key: "k".repeat(4_200) },
    expected: { outcome: "too_large", message: "the request has more than 4096 bytes", metadata: {}, headers: {} },
  },
  {
    name: "a clock in 1970",
    timestamp: 0,
    expected: {
      outcome: "clock_skew",
      metadata: { server_time: String(SECONDS) },
      headers: challenge("clock_skew"),
    },
  },
  { name: "an unknown device", device: "unknown", expected: wrongProof },
  { name: "a wrong signature", ...WRONG, expected: wrongProof },
  { name: "the eleventh wrong signature", ...WRONG, times: 11, expected: rateLimited("failure") },
  { name: "the eleventh login", times: 11, expected: rateLimited("login") },
  {
    name: "a disabled device",
    device: { status: "disabled" },
    expected: { outcome: "disabled", message: "this device or its customer is disabled. Ask the operator" },
  },
  {
    name: "a replayed signature",
    device: { replayGuard: true },
    times: 2,
    expected: {
      outcome: "replayed",
      metadata: { policy: "login" },
      headers: { ...limitHeaders("login", 10, 9), ...challenge("replayed") },
    },
  },
  { name: "an address over its limit", on: "strict", ...WRONG, times: 2, expected: rateLimited("address", 1) },
  {
    name: "an unavailable limit store",
    on: "away",
    expected: { outcome: "unavailable", retryAfter: 5, metadata: {}, headers: { "retry-after": "5" } },
  },
];
