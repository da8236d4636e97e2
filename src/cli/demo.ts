// Files that `serve --dev` creates in the data directory: secrets, and a demo device.

import { randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dataFile } from "../config.ts";
import { AuthError } from "../core/errors.ts";
import { GATEWAY } from "../core/registry/ports.ts";
import type { Registry } from "../core/registry/registry.ts";
import { codeOf } from "../setting-readers.ts";

/** Creates the files for COUNTERSIGN_MASTER_KEY and COUNTERSIGN_ADMIN_TOKEN where they are missing. @returns their paths */
export function prepareDevSecrets(dataDir: string): { masterKey: string; adminToken: string } {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const masterKey = dataFile(dataDir, "master-key");
  const adminToken = dataFile(dataDir, "admin-token");
  createSecretFile(masterKey, () => `${randomBytes(32).toString("base64")}\n`);
  createSecretFile(adminToken, () => `${randomBytes(32).toString("hex")}\n`);
  return { masterKey, adminToken };
}

/**
 * Enrols a demo customer and device unless they exist. A device that the file has and the registry lacks, as after a change of
 * database, is enrolled with the same secret.
 */
export async function enrolDemoDevice(dataDir: string, registry: Registry): Promise<void> {
  const file = dataFile(dataDir, "demo-device");
  const saved = existsSync(file) ? parseDemoDevice(readFileSync(file, "utf8")) : undefined;
  if (saved === undefined ? existsSync(file) : await isEnrolled(registry, saved.deviceKey)) return;
  const customer = { customerId: "", displayName: "Demo", status: "enabled", loginLimit: "" } as const;
  const { customerId } = await registry.customers.create(customer, GATEWAY);
  const importedKey = saved?.customerKey ?? "";
  const { customerKey } = await registry.customerKeys.issue({ customerId, purpose: "login", importedKey }, GATEWAY);
  const name = saved?.deviceKey ?? `demo-${randomBytes(4).toString("hex")}`;
  const device = { customerId, deviceKey: name, displayName: "Demo device" };
  const { deviceKey } = await registry.devices.create(device, GATEWAY);
  createSecretFile(file, () => demoDeviceText({ deviceKey, customerKey }));
}

async function isEnrolled(registry: Registry, deviceKey: string): Promise<boolean> {
  try {
    await registry.devices.get(deviceKey);
    return true;
  } catch (error) {
    if (error instanceof AuthError && error.reason === "does_not_exist") return false;
    throw error;
  }
}

/** Creates a file that only its owner can read, whole or not at all. An existing file is left as it is. */
function createSecretFile(file: string, content: () => string): void {
  if (existsSync(file)) return;
  const draft = `${file}.${process.pid}.${randomBytes(4).toString("hex")}`;
  writeFileSync(draft, content(), { mode: 0o600, flag: "wx", flush: true });
  try {
    // A link fails where a rename would replace the file of another process.
    linkSync(draft, file);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  } finally {
    rmSync(draft);
  }
}

export interface DemoDevice {
  readonly deviceKey: string;
  readonly customerKey: string;
}

/** Reads the text of the file demo-device; undefined when it holds no device. */
export function parseDemoDevice(text: string): DemoDevice | undefined {
  let demo: unknown;
  try {
    demo = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof demo !== "object" || demo === null || !("device_key" in demo && "customer_key" in demo)) return undefined;
  const { device_key: deviceKey, customer_key: customerKey } = demo;
  return typeof deviceKey === "string" && typeof customerKey === "string" ? { deviceKey, customerKey } : undefined;
}

/** The text of the file demo-device. */
export function demoDeviceText({ deviceKey, customerKey }: DemoDevice): string {
  return `${JSON.stringify({ device_key: deviceKey, customer_key: customerKey })}\n`;
}
