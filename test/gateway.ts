// Starts a real gateway on free ports, and logs in there.

import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, onTestFinished } from "vitest";
import { type GatewayOptions, startGateway } from "../src/app.ts";
import type { LoginBody } from "../src/cli/sign.ts";
import { type Config, type Environment, readConfig } from "../src/config.ts";
import { MAX_IMPORT_ROWS } from "../src/core/registry/device-import.ts";
import type { DeviceDraft, DevicePatch } from "../src/core/registry/devices.ts";
import { GATEWAY } from "../src/core/registry/ports.ts";

export const ADMIN_TOKEN = "test-admin-token-0123456789";
export const CUSTOMER_KEY = "test-customer-key-0123456789abcdef";
/** ES256: generating an RSA key takes an eighth of a second. Tests of RSA set their own. */
const QUICK_KEY = { TOKEN_ALG: "ES256" };
/** For tests that log in more often than the defaults allow. */
export const NO_LIMITS = { LOGIN_LIMIT: "off", ADDRESS_LIMIT: "off", FAILURE_LIMIT: "off" } as const;
const MASTER_KEY = "00".repeat(32);

/** The settings of a test gateway with their prefix; `settings` are named without it. */
export function namedSettings(settings: Environment): Environment {
  const all = {
    PUBLIC_LISTEN: "127.0.0.1:0",
    INTERNAL_LISTEN: "127.0.0.1:0",
    MASTER_KEY,
    ADMIN_TOKEN,
    ISSUER: "https://login.example",
    AUDIENCE: "devices",
    ...settings,
  };
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [`COUNTERSIGN_${name}`, value]));
}

/** The configuration of a test gateway. */
export function testConfig(settings: Environment & { DATA_DIR: string }): Config {
  return readConfig(namedSettings({ LOG_LEVEL: "silent", ...QUICK_KEY, ...settings }), { dev: false });
}

async function openBareGateway(settings: Environment & { DATA_DIR: string }, options: GatewayOptions = {}) {
  const gateway = await startGateway(testConfig(settings), options);
  const { publicUrl, internalUrl } = gateway;
  if (publicUrl === undefined || internalUrl === undefined) throw new TypeError("a listener is off");
  return { ...gateway, publicUrl, internalUrl };
}

export type BareGateway = Awaited<ReturnType<typeof openBareGateway>>;

/** Starts a gateway without a customer for the calling test. */
export async function startBareGateway(settings: Environment & { DATA_DIR: string }): Promise<BareGateway> {
  const gateway = await openBareGateway(settings);
  onTestFinished(() => gateway.close());
  return gateway;
}

export type TestGateway = Awaited<ReturnType<typeof openGateway>>;

/** Starts a gateway that the caller closes. The next two functions close theirs at the end of the test or file. */
export async function openGateway(settings: Environment = {}, options: GatewayOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), "countersign-"));
  // A long deadline, since other tests keep the machine busy.
  // The clock is ahead, so that a Redis that has just started counts as old and decides.
  let ahead = 0;
  const defaults = { redisDeadlineMs: 2_000, idleMs: 0, elapsed: () => performance.now() + ahead, ...options };
  const gateway = await openBareGateway({ DATA_DIR: folder, ...settings }, defaults);
  ahead = 3_600_000;
  const { customers, customerKeys, devices } = gateway.registry;
  const { customerId } = await customers.create({ customerId: "", displayName: "Test" }, GATEWAY);
  await customerKeys.issue({ customerId, purpose: "login", importedKey: CUSTOMER_KEY }, GATEWAY);
  let closed: Promise<void> | undefined;
  return {
    ...gateway,
    customerId,
    /** Enrols a device of the customer, whose login key is CUSTOMER_KEY. @returns its device_key */
    async enrol(draft: Partial<DeviceDraft> = {}): Promise<string> {
      return (await devices.create({ customerId, deviceKey: "", ...draft }, GATEWAY)).deviceKey;
    },
    close(): Promise<void> {
      closed ??= gateway.close().then(() => rmSync(folder, { recursive: true }));
      return closed;
    },
  };
}

/** Starts a gateway for the calling test. */
export async function startTestGateway(settings: Environment = {}, options: GatewayOptions = {}): Promise<TestGateway> {
  const gateway = await openGateway(settings, options);
  onTestFinished(gateway.close);
  return gateway;
}

/** Starts a gateway for the tests of the calling file. */
export async function startFileGateway(settings: Environment = {}, options: GatewayOptions = {}): Promise<TestGateway> {
  const gateway = await openGateway(settings, options);
  afterAll(gateway.close);
  return gateway;
}

/** Enrols many devices of a gateway's customer. */
export async function enrolMany(
  { registry, customerId }: TestGateway,
  deviceKeys: readonly string[],
  patch: DevicePatch = {},
): Promise<void> {
  const rows = deviceKeys.map((deviceKey) => ({ ...patch, deviceKey, customerId }));
  for (let start = 0; start < rows.length; start += MAX_IMPORT_ROWS) {
    await registry.importDevices(rows.slice(start, start + MAX_IMPORT_ROWS), GATEWAY);
  }
}

/** A login signed as by a board, by default with CUSTOMER_KEY and the present second. */
export function signNow(
  deviceKey: string,
  customerKey = CUSTOMER_KEY,
  timestamp = Math.floor(Date.now() / 1000),
): LoginBody {
  const signature = createHmac("sha256", customerKey).update(`${timestamp}${deviceKey}`).digest("hex");
  return { device_key: deviceKey, timestamp, device_signature: signature };
}

/** Posts a body to /auth/login as JSON. */
export function postLogin(url: string, body: unknown): Promise<Response> {
  return fetch(new URL("/auth/login", url), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

/** Logs in as a board does, with a signature of the given second, by default now. */
export function logInBy(
  url: string,
  { deviceKey, customerKey }: { readonly deviceKey: string; readonly customerKey: string },
  seconds?: number,
): Promise<Response> {
  return postLogin(url, signNow(deviceKey, customerKey, seconds));
}
