// Takes the pictures of docs/dashboard.md in Debian's Chromium.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { GATEWAY } from "../src/core/registry/ports.ts";
import { logInBy, openGateway } from "../test/gateway.ts";
import { openBrowser, openPage, visit } from "../test/interop/browser.ts";

const FOLDER = "docs/images";
const DEVICES = 900;

const SHOTS = [
  { name: "overview", address: "#/", heading: "Overview", colorScheme: "light", width: 1280, height: 780 },
  {
    name: "device",
    address: "#/devices/pump-0004",
    heading: "pump-0004",
    colorScheme: "light",
    width: 1280,
    height: 1000,
  },
  { name: "devices-dark-360", address: "#/devices", heading: "Devices", colorScheme: "dark", width: 360, height: 740 },
] as const;

/** Longer than two periods of five seconds, in which activity is written and logins are counted. */
const SEEN_MS = 11_000;

const gateway = await openGateway({ LOGIN_LIMIT: "off" });
const browser = await openBrowser();
try {
  const { registry, publicUrl } = gateway;
  await registry.customers.create(
    { customerId: "acme", displayName: "Acme Pumps", status: "enabled", loginLimit: "" },
    GATEWAY,
  );
  const key = await registry.customerKeys.issue({ customerId: "acme", purpose: "login", importedKey: "" }, GATEWAY);
  const rows = Array.from({ length: DEVICES }, (_, at) => ({
    deviceKey: `pump-${String(at).padStart(4, "0")}`,
    customerId: "acme",
    displayName: at % 3 === 0 ? `Pump ${at}, ${at % 2 === 0 ? "north" : "south"} hall` : undefined,
    labels: { site: at % 2 === 0 ? "north" : "south" },
  }));
  await registry.importDevices(rows, GATEWAY, false);
  for (const [at, { deviceKey }] of rows.slice(0, 400).entries()) {
    const customerKey = at % 9 === 4 ? "another-customer-key" : key.customerKey;
    const seconds = Math.floor(Date.now() / 1000) - (at % 31 === 5 ? 9_000 : 0);
    await (await logInBy(publicUrl, { deviceKey, customerKey }, seconds)).text();
  }
  await new Promise((resolve) => setTimeout(resolve, SEEN_MS));
  mkdirSync(FOLDER, { recursive: true });
  for (const { name, address, heading, colorScheme, width, height } of SHOTS) {
    const { page, close } = await openPage(browser, { colorScheme, viewport: { width, height } });
    await page.goto((await gateway.createSignInLink()) ?? "");
    await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
    await visit(page, address, heading);
    await page.waitForLoadState("networkidle");
    await page.screenshot({ path: join(FOLDER, `${name}.png`) });
    await close();
  }
} finally {
  await browser.close();
  await gateway.close();
}
