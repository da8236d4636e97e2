// The dashboard in a real browser, against a real gateway.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import type { Environment } from "../../src/config.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { freePort } from "../free-port.ts";
import { ADMIN_TOKEN, CUSTOMER_KEY, logInBy, openGateway, type TestGateway } from "../gateway.ts";
import { startRedis } from "../redis/server.ts";
import { openBrowser, openPage, pagesOf, visit } from "./browser.ts";
import type { Row } from "./buf.ts";
import { succeed } from "./languages.ts";

interface Scene {
  readonly gateway: TestGateway;
  readonly page: Page;
  /** Mistakes that a row finds, beside those of the console. */
  readonly mistakes: string[];
}

interface Story {
  readonly name: string;
  readonly settings?: Environment;
  readonly context?: BrowserContextOptions;
  /** Console errors that belong to the story: browsers log each answer from 400 on. */
  readonly expected?: RegExp;
  /** Opens the page signed out. */
  readonly isOut?: true;
  readonly act: (scene: Scene) => Promise<void>;
}

const REFUSED = /Failed to load resource: the server responded with a status of 4\d\d/;
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const dialogButton = (page: Page, name: string) => page.getByRole("dialog").getByRole("button", { name, exact: true });

async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel("Admin token").fill(token);
  await button(page, "Sign in").click();
}

/** Enrols a device by the form. @returns its secret and the login to paste */
async function enrolByForm(page: Page, deviceKey: string): Promise<{ readonly secret: string; readonly curl: string }> {
  await visit(page, "#/enrol", "Enrol");
  await button(page, "New customer").click();
  await page.getByLabel("Name of the new customer").fill("Story");
  await button(page, "Create").click();
  await page.getByLabel("device_key").fill(deviceKey);
  await button(page, "Enrol").click();
  const secret = await page.locator("[data-secret]").innerText();
  return { secret, curl: await page.getByLabel("Login in curl").inputValue() };
}

/** Rotates the key of the customer of a device by its page: issues another, has the device use it, retires the first. */
async function rotate({ gateway, page }: Scene, deviceKey: string): Promise<string> {
  const { customerId } = await gateway.registry.devices.get(deviceKey);
  await visit(page, `#/customers/${customerId}`, "Story");
  await button(page, "Issue a key").click();
  await dialogButton(page, "Issue").click();
  const customerKey = await page.locator("[data-secret]").innerText();
  await page.keyboard.press("Escape");
  await page.getByText("0 of 1 device logged in with the newest key").waitFor();
  await logInBy(gateway.publicUrl, { deviceKey, customerKey });
  await page.getByText("Every device has the newest key. Retire the others.").waitFor({ timeout: 30_000 });
  await page.getByRole("row").last().getByRole("button", { name: "Retire" }).click();
  await page.getByRole("dialog").getByText("It stops no device that was seen.").waitFor();
  await dialogButton(page, "Retire").click();
  await page.getByText("retired", { exact: true }).waitFor();
  return customerKey;
}

const STORIES: readonly Story[] = [
  {
    name: "a new operator, from the first link to a refused login",
    isOut: true,
    async act(scene) {
      const { gateway, page, mistakes } = scene;
      await page.goto((await gateway.createSignInLink()) ?? "");
      await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
      if (page.url().includes("sign-in")) mistakes.push("the code stays in the address");
      const deviceKey = "story-1";
      const { secret, curl } = await enrolByForm(page, deviceKey);
      const stdout = await succeed(["sh", "-c", curl], 10_000, "");
      if (!stdout.startsWith('{"token":"ey')) mistakes.push(`the printed login answers ${stdout}`);

      await visit(page, `#/devices/${deviceKey}`, deviceKey);
      const seconds = Math.floor(Date.now() / 1000);
      await page
        .getByLabel("What the board sent")
        .fill(JSON.stringify({ device_key: deviceKey, timestamp: seconds * 1000, device_signature: "0".repeat(64) }));
      await button(page, "Explain").click();
      await page.getByText("milliseconds", { exact: true }).waitFor();
      const shown = await page.locator("body").innerText();
      if (shown.includes(secret)) mistakes.push("the secret is shown again");

      const customerKey = await rotate(scene, deviceKey);
      const old = await logInBy(gateway.publicUrl, { deviceKey, customerKey: secret });
      if (old.status !== 401) mistakes.push(`a retired key is answered ${old.status}`);
      await visit(page, `#/devices/${deviceKey}`, deviceKey);
      await button(page, "Disable").click();
      await dialogButton(page, "Disable").click();
      await page.getByText("It is disabled: its logins are refused.").waitFor();
      const refused = await logInBy(gateway.publicUrl, { deviceKey, customerKey });
      if (refused.status !== 403) mistakes.push(`a disabled device is answered ${refused.status}`);
      await page.getByRole("region", { name: "Audit events" }).getByText("UpdateDevice").waitFor();
    },
  },
  {
    name: "a wrong token, and a used link",
    isOut: true,
    expected: REFUSED,
    async act({ gateway, page }) {
      await page.goto(gateway.internalUrl);
      await signIn(page, "wrong");
      await page.getByText("This is not an admin token of this gateway.").waitFor();
      const link = (await gateway.createSignInLink()) ?? "";
      await page.goto(link);
      await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
      await button(page, "Sign out").click();
      await page.goto("about:blank");
      await page.goto(link);
      await page.getByText("This link has signed in already").waitFor();
    },
  },
  {
    name: "an operator who may read, and whose token is revoked",
    isOut: true,
    expected: REFUSED,
    async act({ gateway, page, mistakes }) {
      const draft = { name: "bob", role: "read", expiresAt: undefined } as const;
      const { adminToken, token } = await gateway.registry.operators.issue(draft, GATEWAY);
      const deviceKey = await gateway.enrol();
      await page.goto(gateway.internalUrl);
      await signIn(page, adminToken);
      await page.getByText("may read only").waitFor();
      await visit(page, `#/devices/${deviceKey}`, deviceKey);
      await page.getByText("It has not logged in yet.").waitFor();
      for (const name of ["Disable", "Delete", "Edit", "Revoke tokens"]) {
        if ((await button(page, name).count()) > 0) mistakes.push(`bob may ${name}`);
      }
      await gateway.registry.operators.revoke(token.tokenId, GATEWAY);
      await page.getByText("This admin token was revoked. Ask for another.").waitFor();
    },
  },
  {
    name: "many devices: search, pages, bulk, export and a file with bad rows",
    async act({ gateway, page, mistakes }) {
      const rows = Array.from({ length: 120 }, (_, at) => ({
        deviceKey: `pump-${String(at).padStart(3, "0")}`,
        customerId: gateway.customerId,
      }));
      await gateway.registry.deviceImport.importDevices(rows, GATEWAY, false);
      await visit(page, "#/devices", "Devices");
      await page.getByText("120 devices").waitFor();
      await button(page, "Next").click();
      await page.getByRole("link", { name: "pump-050" }).waitFor();
      await page.getByLabel("Device begins with").fill("pump-11");
      await page.getByText("10 devices").waitFor();
      await button(page, "Disable").click();
      await dialogButton(page, "Disable 10 devices").click();
      await page.getByText("Done: 10 changed, 0 were so already.").waitFor();
      await dialogButton(page, "Close").click();
      await page.getByLabel("Status").selectOption("disabled");
      await page.waitForURL(/status=disabled/);
      await page.getByText("10 devices").waitFor();
      await page.getByLabel("Select pump-110").check();
      await button(page, "Label").click();
      await page.getByRole("dialog").getByLabel("Label").fill("site=north");
      await dialogButton(page, "Label 1 device").click();
      await dialogButton(page, "Close").click();
      const download = page.waitForEvent("download");
      await button(page, "Export").click();
      const chunks: Buffer[] = [];
      for await (const chunk of await (await download).createReadStream()) chunks.push(Buffer.from(chunk));
      const csv = Buffer.concat(chunks).toString();
      if (csv.split("\n").length !== 12) mistakes.push(`the export has ${csv.split("\n").length} lines`);

      await visit(page, "#/enrol", "Enrol");
      await button(page, "CSV file").click();
      const broken = `device_key,customer_id,name\nnew-1,${gateway.customerId},"a\nb"\nnew-2,nobody,x\nnew-3,${gateway.customerId}\n`;
      const file = { name: "devices.csv", mimeType: "text/csv", buffer: Buffer.from(broken) };
      await page.getByLabel("Choose a file, or drop it here").setInputFiles(file);
      await button(page, "Import devices.csv").click();
      await page.getByText("Done: 0 enrolled, 0 changed, 0 unchanged, 3 bad rows.").waitFor();
      const lines = await page
        .getByRole("region", { name: "Bad rows" })
        .locator("tbody td:first-child")
        .allInnerTexts();
      if (lines.join() !== "5,2,4") mistakes.push(`bad rows have the lines ${lines.join()}`);
      const again = { ...file, buffer: Buffer.from(csv) };
      await page.getByLabel("Choose a file, or drop it here").setInputFiles(again);
      await button(page, "Import devices.csv").click();
      await page.getByText("Done: 0 enrolled, 0 changed, 10 unchanged, 0 bad rows.").waitFor();
    },
  },
  {
    name: "names that look like HTML, and a frame around the page",
    expected: /frame-ancestors/,
    async act({ gateway, page, mistakes }) {
      const deviceKey = "<img/src=x/onerror=document.title='owned'>";
      await gateway.enrol({ deviceKey, displayName: "<script>document.title='owned'</script>" });
      await visit(page, "#/devices", "Devices");
      await page.getByRole("link", { name: deviceKey }).click();
      await page.getByRole("heading", { level: 1, name: deviceKey }).waitFor();
      if ((await page.title()).startsWith("owned")) mistakes.push("a name runs as a script");
      const framed = await page.context().newPage();
      await framed.setContent(`<iframe src="${gateway.internalUrl}/"></iframe>`);
      await framed.waitForTimeout(500);
      const inner = framed.frames().find((frame) => frame.url().startsWith(gateway.internalUrl));
      if (inner !== undefined && (await inner.locator("h1").count()) > 0) mistakes.push("the page is shown in a frame");
    },
  },
  {
    name: "signing keys, customers and operators are changed",
    async act({ page }) {
      await visit(page, "#/signing-keys", "Signing keys");
      await button(page, "Rotate").click();
      await page.getByRole("dialog").getByRole("checkbox").check();
      await dialogButton(page, "Rotate").click();
      await page.getByText("signs from now on.").waitFor();
      await visit(page, "#/operators", "Operators");
      await button(page, "Issue a token").click();
      await page.getByRole("dialog").getByLabel("Name").fill("ada");
      await dialogButton(page, "Issue").click();
      await page.getByText("It is not shown again.").waitFor();
      await page.keyboard.press("Escape");
      await button(page, "Revoke").click();
      await dialogButton(page, "Revoke").click();
      await page.getByText("revoked", { exact: true }).waitFor();
      await visit(page, "#/customers", "Customers");
      await button(page, "New customer").click();
      await page.getByLabel("Name").fill("Acme");
      await page.getByLabel("Id").fill("acme");
      await dialogButton(page, "Create").click();
      await page.getByRole("heading", { level: 1, name: "Acme" }).waitFor();
      await button(page, "Edit").click();
      await page.getByLabel("Login limit").fill("20/60s");
      await dialogButton(page, "Save").click();
      await page.getByText("20/60s").waitFor();
      await visit(page, "#/audit", "Audit");
      await page.getByLabel("Did", { exact: true }).fill("UpdateCustomer");
      await page.getByRole("link", { name: "customers/acme" }).first().click();
      await page.getByRole("link", { name: "All changes" }).waitFor();
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

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** The violations that axe-core finds on the page that is shown. The policy allows no script tag, so the browser itself runs it. */
async function violations(page: Page, where: string): Promise<readonly string[]> {
  await page.evaluate(readFileSync(AXE, "utf8"));
  const found: readonly Violation[] = await page.evaluate("axe.run().then(({ violations }) => violations)");
  return found.map(({ id, nodes }) => `${where}: ${id}: ${nodes[0]?.html}`);
}

async function tell(
  browser: Browser,
  { settings = {}, context, expected, isOut, act }: Story,
): Promise<readonly string[]> {
  const port = await freePort();
  const own = { PUBLIC_LISTEN: `127.0.0.1:${port}`, ISSUER: `http://127.0.0.1:${port}`, ...settings };
  const gateway = await openGateway(own);
  const { page, mistakes, close } = await openPage(browser, context, expected);
  try {
    if (!isOut) {
      await page.goto((await gateway.createSignInLink()) ?? "");
      await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
    }
    await act({ gateway, page, mistakes });
    return mistakes;
  } finally {
    await close();
    await gateway.close();
  }
}

const GONE = /ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/;

/** A gateway that is restarted under the page: the session goes on, and so does the page. */
async function restart(browser: Browser): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-"));
  const settings = { DATA_DIR: folder, INTERNAL_LISTEN: `127.0.0.1:${await freePort()}` };
  const first = await openGateway(settings);
  const { page, mistakes, close } = await openPage(browser, {}, GONE);
  try {
    await page.goto((await first.createSignInLink()) ?? "");
    await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
    await first.close();
    await page.getByText("The gateway does not answer.").waitFor();
    const second = await openGateway(settings);
    try {
      await page.getByText("The gateway does not answer.").waitFor({ state: "detached" });
      await visit(page, "#/customers", "Customers");
      await page.getByRole("link").filter({ hasText: second.customerId }).waitFor();
    } finally {
      await second.close();
    }
    return mistakes;
  } finally {
    await close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Redis goes away under the page, and comes back. */
async function outage(browser: Browser): Promise<readonly string[]> {
  const redis = await startRedis();
  try {
    return await tell(browser, {
      name: "outage",
      settings: { REDIS_URL: redis.url },
      async act({ page }) {
        const banner = page.getByText("Redis is away: each gateway decides limits by its own share.");
        await redis.kill();
        await banner.waitFor();
        await redis.restart();
        await banner.waitFor({ state: "detached" });
      },
    });
  } finally {
    await redis.stop();
  }
}

/** The rows. The browser starts with the first, and ends with the process. */
export function dashboardRows(): readonly Row[] {
  let browser: Promise<Browser> | undefined;
  const withBrowser = async (run: (browser: Browser) => Promise<readonly string[]>): Promise<readonly string[]> => {
    browser ??= openBrowser();
    return run(await browser);
  };
  const rows = [
    ...STORIES.map((story) => ({ name: story.name, run: (opened: Browser) => tell(opened, story) })),
    { name: "a gateway that is restarted under the page", run: restart },
    { name: "Redis away, and back", run: outage },
  ];
  return rows.map(({ name, run }) => ({ name: `dashboard: ${name}`, run: () => withBrowser(run) }));
}
