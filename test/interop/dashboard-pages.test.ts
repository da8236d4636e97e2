// Every dashboard page is safe and accessible, and survives outages.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, onTestFinished, test } from "vitest";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { freePort } from "../free-port.ts";
import { ADMIN_TOKEN, CUSTOMER_KEY, logInBy, startTestGateway } from "../gateway.ts";
import { temporaryFolder } from "../program.ts";
import { startRedis } from "../redis/server.ts";
import { arrive, openDashboard, openSignedIn } from "./browser.ts";

/** Every page, by its address and heading. */
function pagesOf(deviceKey: string, customerId: string, customer: string) {
  return [
    ["#/", "Overview"],
    ["#/devices", "Devices"],
    [`#/devices/${encodeURIComponent(deviceKey)}`, deviceKey],
    ["#/enrol", "Enrol"],
    ["#/customers", "Customers"],
    [`#/customers/${customerId}`, customer],
    ["#/signing-keys", "Signing keys"],
    ["#/audit", "Audit"],
    ["#/operators", "Operators"],
  ] as const;
}

test("a name that looks like HTML is text on every page", async () => {
  const { gateway, page, visit, click, fill, see } = await openSignedIn();
  const name = "<img src=x onerror=document.title='owned'>";
  const deviceKey = name.replaceAll(" ", "/");
  const { registry } = gateway;
  const customer = { customerId: "html", displayName: name, status: "enabled", loginLimit: "" } as const;
  await registry.customers.create(customer, { ...GATEWAY, operator: name });
  await registry.operators.issue({ name, role: "read", expiresAt: undefined }, GATEWAY);
  await gateway.enrol({ deviceKey, displayName: name, labels: { site: name } });
  const look = async (where: string): Promise<void> => {
    await page.waitForLoadState("networkidle");
    const isOwned = await page.evaluate("document.title.startsWith('owned') || document.images.length > 1");
    expect(isOwned, where).toBe(false);
  };
  await visit("#/audit?resource=customers%2Fhtml", "Audit");
  await page.getByRole("region", { name: "Audit events" }).getByText(name).first().waitFor();
  for (const [address, heading] of pagesOf(deviceKey, "html", name)) {
    await visit(address, heading);
    await look(heading);
  }
  await visit("#/enrol", "Enrol");
  await click("CSV file");
  const buffer = Buffer.from(`device_key,customer_id\n${deviceKey},nobody\n`);
  await page.getByLabel("Choose a file, or drop it here").setInputFiles({ name, mimeType: "text/csv", buffer });
  await click(`Import ${name}`);
  await see("1 bad row");
  await look("a file");
  await visit(`#/devices/${encodeURIComponent(deviceKey)}`, deviceKey);
  await fill("What the board sent", JSON.stringify({ device_key: name, [name]: name }));
  await click("Explain");
  await see("The gateway refuses it.");
  await look("Explain");
});

test("the page is not shown in a frame", async () => {
  const { gateway, page } = await openSignedIn();
  const framed = await page.context().newPage();
  const refused = framed.waitForEvent("console", (message) => message.text().includes("frame-ancestors"));
  await framed.setContent(`<iframe src="${gateway.internalUrl}/"></iframe>`);
  await refused;
  expect(framed.frames().filter((frame) => frame.url().startsWith(gateway.internalUrl))).toEqual([]);
});

test("the keyboard alone reaches the pages, and each fits 360 pixels", async () => {
  const { gateway, page, button, visit } = await openDashboard({ context: { viewport: { width: 360, height: 740 } } });
  const deviceKey = await gateway.enrol();
  await page.goto(gateway.internalUrl);
  await page.getByLabel("Admin token").focus();
  await page.keyboard.type(ADMIN_TOKEN);
  await page.keyboard.press("Enter");
  await arrive(page, "Overview");
  await button("Menu").focus();
  for (const key of ["Enter", "Tab", "Tab", "Enter"]) await page.keyboard.press(key);
  await arrive(page, "Devices");
  for (const [address, heading] of pagesOf(deviceKey, gateway.customerId, "Test")) {
    await visit(address, heading);
    await page.waitForLoadState("networkidle");
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth"), heading).toBeLessThanOrEqual(0);
  }
});

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

test.each(["light", "dark"] as const)("axe finds no violation on any %s page", async (colorScheme) => {
  const { gateway, page, click, visit, signIn } = await openDashboard({ context: { colorScheme } });
  const deviceKey = await gateway.enrol();
  await logInBy(gateway.publicUrl, { deviceKey, customerKey: CUSTOMER_KEY });
  const look = async (where: string): Promise<void> => {
    // The browser itself runs axe, since the policy forbids script tags.
    await page.evaluate(AXE);
    expect(await page.evaluate("axe.run().then(({ violations }) => violations)"), where).toEqual([]);
  };
  await page.goto(gateway.internalUrl);
  await page.getByLabel("Admin token").waitFor();
  await look("Sign in");
  await signIn(ADMIN_TOKEN);
  await arrive(page, "Overview");
  for (const [address, heading] of pagesOf(deviceKey, gateway.customerId, "Test")) {
    await visit(address, heading);
    await page.waitForLoadState("networkidle");
    await look(heading);
  }
  await visit("#/devices", "Devices");
  await click("Disable");
  await look("the dialog");
});

test("the session and the page continue after a restart of the gateway", async () => {
  const settings = { DATA_DIR: temporaryFolder(), INTERNAL_LISTEN: `127.0.0.1:${await freePort()}` };
  const expected = /ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/;
  const { gateway, page, see, visit } = await openSignedIn({ settings, expected });
  await gateway.close();
  await see("The gateway does not answer.");
  const { customerId } = await startTestGateway(settings);
  await page.getByText("The gateway does not answer.").waitFor({ state: "detached" });
  await visit("#/customers", "Customers");
  await page.getByRole("link").filter({ hasText: customerId }).waitFor();
});

test("a banner says that Redis is away, until it is back", async () => {
  const redis = await startRedis();
  onTestFinished(redis.stop);
  const { page } = await openSignedIn({ settings: { REDIS_URL: redis.url } });
  const banner = page.getByText("Redis is away: each gateway counts logins alone, or admits all (REDIS_DOWN=allow).");
  await redis.kill();
  await banner.waitFor();
  await redis.restart();
  await banner.waitFor({ state: "detached" });
});
