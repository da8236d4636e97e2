// Starts a real gateway for a test, on free ports, with a customer and keys to log in with.

import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type Gateway, type GatewayOptions, startGateway } from "../src/app.ts";
import type { Environment } from "../src/config.ts";
import { type Config, readConfig } from "../src/config.ts";
import type { DeviceDraft } from "../src/core/registry/device-changes.ts";
import { GATEWAY } from "../src/core/registry/ports.ts";

export const ADMIN_TOKEN = "test-admin-token-0123456789";
export const CUSTOMER_KEY = "test-customer-key-0123456789abcdef";
/** An RSA key takes an eighth of a second to make. The default is for the tests that name it. */
const QUICK_KEY = { TOKEN_ALG: "ES256" };
const MASTER_KEY = "00".repeat(32);

export interface TestGateway extends Gateway {
  readonly publicUrl: string;
  readonly internalUrl: string;
  readonly customerId: string;
  /** Enrols a device of the customer, whose login key is CUSTOMER_KEY. @returns its device_key */
  enrol(draft?: Partial<DeviceDraft>): Promise<string>;
}

/** The configuration of a test gateway; `settings` are named without their prefix. */
export function testConfig(settings: Environment & { DATA_DIR: string }): Config {
  const environment = {
    PUBLIC_LISTEN: "127.0.0.1:0",
    INTERNAL_LISTEN: "127.0.0.1:0",
    MASTER_KEY,
    ADMIN_TOKEN,
    ISSUER: "https://login.example",
    AUDIENCE: "devices",
    LOG_LEVEL: "silent",
    ...QUICK_KEY,
    ...settings,
  };
  return readConfig(
    Object.fromEntries(Object.entries(environment).map(([name, value]) => [`COUNTERSIGN_${name}`, value])),
    {
      dev: false,
    },
  );
}

/** Starts a gateway; `close` it, or let `startTestGateway` do so when the test ends. */
export async function openGateway(settings: Environment = {}, options: GatewayOptions = {}): Promise<TestGateway> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-"));
  // The other tests keep the machine busy: a Redis that is late there is not away.
  // A Redis that has just started is taken for an old one, or nothing would be asked of it.
  let ahead = 0;
  const patient = { redisDeadlineMs: 2_000, idleMs: 0, elapsed: () => performance.now() + ahead, ...options };
  const gateway = await startGateway(testConfig({ DATA_DIR: folder, ...settings }), patient);
  ahead = 3_600_000;
  const { publicUrl, internalUrl, registry } = gateway;
  if (publicUrl === undefined || internalUrl === undefined) throw new TypeError("a test gateway has both listeners");
  const { customerId } = await registry.customers.create(
    { customerId: "", displayName: "Test", status: "enabled", loginLimit: "" },
    GATEWAY,
  );
  await registry.customerKeys.issue({ customerId, purpose: "login", importedKey: CUSTOMER_KEY }, GATEWAY);
  return {
    ...gateway,
    publicUrl,
    internalUrl,
    customerId,
    async enrol(draft = {}) {
      const device = await registry.devices.create({ customerId, deviceKey: "", ...draft }, GATEWAY);
      return device.deviceKey;
    },
    async close() {
      await gateway.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Starts a gateway for the test that calls. */
export async function startTestGateway(settings: Environment = {}, options: GatewayOptions = {}): Promise<TestGateway> {
  const gateway = await openGateway(settings, options);
  onTestFinished(() => gateway.close());
  return gateway;
}

/** Posts a body to /auth/login as JSON. */
export function postLogin(url: string, body: unknown): Promise<Response> {
  return fetch(new URL("/auth/login", url), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

/** Logs in as a board does, signing in that second; without one, now. */
export function logInBy(
  url: string,
  { deviceKey, customerKey }: { readonly deviceKey: string; readonly customerKey: string },
  seconds = Math.floor(Date.now() / 1000),
): Promise<Response> {
  const signature = createHmac("sha256", customerKey).update(`${seconds}${deviceKey}`).digest("hex");
  return postLogin(url, { device_key: deviceKey, timestamp: seconds, device_signature: signature });
}
