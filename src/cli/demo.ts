// Files that `serve --dev` creates: secrets, and a demo device.

import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dataFile } from "../config.ts";
import { GATEWAY } from "../core/registry/ports.ts";
import type { Registry } from "../core/registry/registry.ts";
import { codeOf } from "../setting-readers.ts";

/** Creates the files for COUNTERSIGN_MASTER_KEY and COUNTERSIGN_ADMIN_TOKEN where they are missing. @returns their paths */
export function prepareDevSecrets(dataDir: string): { masterKey: string; adminToken: string } {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const masterKey = dataFile(dataDir, "master-key");
  const adminToken = dataFile(dataDir, "admin-token");
  createSecretFile(masterKey, randomBytes(32).toString("base64"));
  createSecretFile(adminToken, randomBytes(32).toString("hex"));
  return { masterKey, adminToken };
}

/** Enrols a demo customer and device and writes them to a file, unless the registry already has the device in the file. */
export async function enrolDemoDevice(dataDir: string, registry: Registry): Promise<void> {
  const saved = readDemoDevice(dataDir);
  const filter = `device_key = ${JSON.stringify(saved?.deviceKey ?? "")}`;
  const { items } = await registry.devices.list({ pageSize: 1, pageToken: "", filter });
  if (items.length > 0) return;
  const customer = { customerId: "", displayName: "Demo", status: "enabled", loginLimit: "" } as const;
  const { customerId } = await registry.customers.create(customer, GATEWAY);
  const { customerKey } = await registry.customerKeys.issue({ customerId, purpose: "login", importedKey: "" }, GATEWAY);
  const name = `demo-${randomBytes(4).toString("hex")}`;
  const { deviceKey } = await registry.devices.create(
    { customerId, deviceKey: name, displayName: "Demo device" },
    GATEWAY,
  );
  const text = JSON.stringify({ device_key: deviceKey, customer_key: customerKey });
  writeFileSync(dataFile(dataDir, "demo-device"), `${text}\n`, { mode: 0o600 });
}

/** Creates a file that only its owner can read. An existing file is left as it is. */
function createSecretFile(file: string, content: string): void {
  try {
    writeFileSync(file, `${content}\n`, { mode: 0o600, flag: "wx", flush: true });
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
}

export interface DemoDevice {
  readonly deviceKey: string;
  readonly customerKey: string;
}

/** The device in the file demo-device; undefined without one. */
export function readDemoDevice(dataDir: string): DemoDevice | undefined {
  try {
    const saved: Readonly<Record<string, unknown>> = JSON.parse(readFileSync(dataFile(dataDir, "demo-device"), "utf8"));
    const { device_key: deviceKey, customer_key: customerKey } = saved;
    return typeof deviceKey === "string" && typeof customerKey === "string" ? { deviceKey, customerKey } : undefined;
  } catch {
    return undefined;
  }
}
