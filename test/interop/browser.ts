// Debian's Chromium for the dashboard's rows and pictures: pages whose console errors are mistakes, and operators' stories.

import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import type { Environment } from "../../src/config.ts";
import type { TestGateway } from "../gateway.ts";
import { installMissing, type Requirement } from "../requirements.ts";

const CHROMIUM: Requirement = { name: "chromium", packages: "chromium", probe: "/usr/bin/chromium --version" };
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"];

/** Starts the browser. @throws Error that says how to install it */
export async function openBrowser(): Promise<Browser> {
  if (installMissing([CHROMIUM]).length > 0) throw new Error("Chromium is missing. Run: apt-get install chromium");
  return chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
}

export interface WatchedPage {
  readonly page: Page;
  /** Console errors and uncaught exceptions, except those that `expected` matches. */
  readonly mistakes: string[];
  close(): Promise<void>;
}

/** Opens a page in a context of its own: another operator's browser. */
export async function openPage(
  browser: Browser,
  options: BrowserContextOptions = {},
  expected = /^$/,
): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  const mistakes: string[] = [];
  page.on("console", (message) => {
    const text = message.text();
    if (message.type() === "error" && !expected.test(text)) mistakes.push(`console: ${text}`);
  });
  page.on("pageerror", ({ message }) => mistakes.push(`uncaught: ${message}`));
  return { page, mistakes, close: () => context.close() };
}

/** Signs in by a link. */
export async function followLink(page: Page, gateway: TestGateway): Promise<void> {
  await page.goto((await gateway.createSignInLink()) ?? "");
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
}

/** Opens a page of the dashboard, and waits for its heading. */
export async function visit(page: Page, address: string, heading: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(address)}`);
  await page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor();
}

/** Every page, by its address and heading. */
export function pagesOf(
  deviceKey: string,
  customerId: string,
  customer: string,
): readonly (readonly [string, string])[] {
  return [
    ["#/", "Overview"],
    ["#/devices", "Devices"],
    [`#/devices/${deviceKey}`, deviceKey],
    ["#/enrol", "Enrol"],
    ["#/customers", "Customers"],
    [`#/customers/${customerId}`, customer],
    ["#/signing-keys", "Signing keys"],
    ["#/audit", "Audit"],
    ["#/operators", "Operators"],
  ];
}

export interface Scene {
  readonly gateway: TestGateway;
  readonly page: Page;
  /** Mistakes of a row besides console errors. */
  readonly mistakes: string[];
}

export interface Story {
  readonly name: string;
  readonly settings?: Environment;
  readonly context?: BrowserContextOptions;
  /** Expected console errors: browsers log each answer with a status of 400 or more. */
  readonly expected?: RegExp;
  /** Opens the page signed out. */
  readonly isOut?: true;
  readonly act: (scene: Scene) => Promise<void>;
}

/** Console errors of refused calls. */
export const REFUSED = /Failed to load resource: the server responded with a status of 4\d\d/;

export const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
export const dialogButton = (page: Page, name: string) =>
  page.getByRole("dialog").getByRole("button", { name, exact: true });

export async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel("Admin token").fill(token);
  await button(page, "Sign in").click();
}
