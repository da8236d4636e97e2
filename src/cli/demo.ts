// What the first `serve --dev` makes in the data directory: its secrets, and a device to try a login with.

import { randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dataFile } from "../config.ts";
import { GATEWAY, type Registry } from "../core/registry/registry.ts";

/** The files that stand in for COUNTERSIGN_MASTER_KEY and COUNTERSIGN_ADMIN_TOKEN; made where they are missing. */
export function prepareDevSecrets(dataDir: string): { masterKey: string; adminToken: string } {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const masterKey = dataFile(dataDir, "master-key");
  const adminToken = dataFile(dataDir, "admin-token");
  createSecretFile(masterKey, () => `${randomBytes(32).toString("base64")}\n`);
  createSecretFile(adminToken, () => `${randomBytes(32).toString("hex")}\n`);
  return { masterKey, adminToken };
}

/** Enrols a demo customer and device, unless that was done before. */
export async function enrolDemoDevice(dataDir: string, registry: Registry): Promise<void> {
  const file = dataFile(dataDir, "demo-device");
  if (existsSync(file)) return;
  const { customerId } = await registry.customers.create(
    { customerId: "", displayName: "Demo", status: "enabled", loginLimit: "" },
    GATEWAY,
  );
  const { customerKey } = await registry.customerKeys.issue({ customerId, purpose: "login", importedKey: "" }, GATEWAY);
  const { deviceKey } = await registry.devices.create(
    {
      customerId,
      deviceKey: `demo-${randomBytes(4).toString("hex")}`,
      displayName: "Demo device",
      status: "enabled",
      keyMode: "shared",
      sharedIdentity: false,
      replayGuard: undefined,
      labels: {},
    },
    GATEWAY,
  );
  createSecretFile(file, () => `${JSON.stringify({ device_key: deviceKey, customer_key: customerKey })}\n`);
}

/** Makes a file that only its owner can read, whole or not at all; one that is there already stays as it is. */
function createSecretFile(file: string, content: () => string): void {
  if (existsSync(file)) return;
  const draft = `${file}.${process.pid}.${randomBytes(4).toString("hex")}`;
  writeFileSync(draft, content(), { mode: 0o600, flag: "wx", flush: true });
  try {
    // A link fails where a rename would replace what another process made meanwhile.
    linkSync(draft, file);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    rmSync(draft);
  }
}
