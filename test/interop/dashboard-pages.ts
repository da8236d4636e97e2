// Checks of every page: names that look like HTML, frames, the keyboard, small screens, axe.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { ADMIN_TOKEN, CUSTOMER_KEY, logInBy } from "../gateway.ts";
import { button, pagesOf, type Story, signIn, visit } from "./browser.ts";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** The violations that axe-core finds on the current page. The browser itself runs it, since the policy forbids script tags. */
async function violations(page: Page, where: string): Promise<readonly string[]> {
  await page.evaluate(readFileSync(AXE, "utf8"));
  const found: readonly Violation[] = await page.evaluate("axe.run().then(({ violations }) => violations)");
  return found.map(({ id, nodes }) => `${where}: ${id}: ${nodes[0]?.html}`);
}

export const PAGE_STORIES: readonly Story[] = [
  {
    name: "names that look like HTML",
    async act({ gateway, page, mistakes }) {
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
        if (isOwned) mistakes.push(`${where}: a name becomes an element`);
      };
      await visit(page, "#/audit?resource=customers%2Fhtml", "Audit");
      await page.getByRole("region", { name: "Audit events" }).getByText(name).first().waitFor();
      for (const [address, heading] of pagesOf(encodeURIComponent(deviceKey), "html", name)) {
        await visit(page, address, heading === encodeURIComponent(deviceKey) ? deviceKey : heading);
        await look(heading);
      }
      await visit(page, "#/enrol", "Enrol");
      await button(page, "CSV file").click();
      const buffer = Buffer.from(`device_key,customer_id\n${deviceKey},nobody\n`);
      await page.getByLabel("Choose a file, or drop it here").setInputFiles({ name, mimeType: "text/csv", buffer });
      await button(page, `Import ${name}`).click();
      await page.getByText("1 bad row").waitFor();
      await look("a file");
      await visit(page, `#/devices/${encodeURIComponent(deviceKey)}`, deviceKey);
      await page.getByLabel("What the board sent").fill(JSON.stringify({ device_key: name, [name]: name }));
      await button(page, "Explain").click();
      await page.getByText("The gateway refuses it.").waitFor();
      await look("Explain");
    },
  },
  {
    name: "a frame around the page",
    async act({ gateway, page, mistakes }) {
      const framed = await page.context().newPage();
      const refused = framed.waitForEvent("console", (message) => message.text().includes("frame-ancestors"));
      await framed.setContent(`<iframe src="${gateway.internalUrl}/"></iframe>`);
      await refused;
      if (framed.frames().some((frame) => frame.url().startsWith(gateway.internalUrl))) {
        mistakes.push("the page is shown in a frame");
      }
    },
  },
  {
    name: "the keyboard alone, at 360 pixels",
    isOut: true,
    context: { viewport: { width: 360, height: 740 } },
    async act({ gateway, page, mistakes }) {
      const deviceKey = await gateway.enrol();
      await page.goto(gateway.internalUrl);
      await page.getByLabel("Admin token").focus();
      await page.keyboard.type(ADMIN_TOKEN);
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
      await button(page, "Menu").focus();
      await page.keyboard.press("Enter");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { level: 1, name: "Devices" }).waitFor();
      for (const [address, heading] of pagesOf(deviceKey, gateway.customerId, "Test")) {
        await visit(page, address, heading);
        await page.waitForLoadState("networkidle");
        const isWide = await page.evaluate("document.documentElement.scrollWidth > innerWidth");
        if (isWide) mistakes.push(`${heading} is wider than the screen`);
      }
    },
  },
  ...(["light", "dark"] as const).map((colorScheme): Story => {
    return {
      name: `axe finds nothing, ${colorScheme}`,
      isOut: true,
      context: { colorScheme },
      async act({ gateway, page, mistakes }) {
        const deviceKey = await gateway.enrol();
        await logInBy(gateway.publicUrl, { deviceKey, customerKey: CUSTOMER_KEY });
        await page.goto(gateway.internalUrl);
        await page.getByLabel("Admin token").waitFor();
        mistakes.push(...(await violations(page, "Sign in")));
        await signIn(page, ADMIN_TOKEN);
        await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
        for (const [address, heading] of pagesOf(deviceKey, gateway.customerId, "Test")) {
          await visit(page, address, heading);
          await page.waitForLoadState("networkidle");
          mistakes.push(...(await violations(page, heading)));
        }
        await visit(page, "#/devices", "Devices");
        await button(page, "Disable").click();
        mistakes.push(...(await violations(page, "the dialog")));
      },
    };
  }),
];
