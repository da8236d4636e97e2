// Debian's Chromium, and an operator's page of the dashboard in it.

import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { expect, onTestFinished } from "vitest";
import type { Environment } from "../../src/config.ts";
import { freePort } from "../free-port.ts";
import { startTestGateway } from "../gateway.ts";
import { install } from "./programs.ts";

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"];

export function openBrowser(): Promise<Browser> {
  install({ name: "Chromium", packages: "chromium", probe: "/usr/bin/chromium --version" });
  return chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
}

/** Opens a page in a context of its own. `errors` are those of the console, and uncaught exceptions. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  page.on("pageerror", ({ message }) => errors.push(`uncaught: ${message}`));
  return { page, errors, close: () => context.close() };
}

/** Waits for the heading of a page of the dashboard. */
export function arrive(page: Page, heading: string): Promise<void> {
  return page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor();
}

/** Opens a page of the dashboard, and waits for its heading. */
export async function visit(page: Page, address: string, heading: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(address)}`);
  await arrive(page, heading);
}

/** Console errors of failed calls: browsers log each answer with a status of 400 or more. */
export const CONSOLE_ERRORS = /Failed to load resource: the server responded with a status of 4\d\d/;

interface DashboardOptions {
  readonly settings?: Environment;
  readonly context?: BrowserContextOptions;
  /** Expected console errors. Each other one fails the test. */
  readonly expected?: RegExp;
}

/** Starts a gateway and a browser for the calling test. @returns an empty page, and functions for what an operator does */
export async function openDashboard({ settings = {}, context = {}, expected = /^$/ }: DashboardOptions = {}) {
  const publicHost = `127.0.0.1:${await freePort()}`;
  const gateway = await startTestGateway({ PUBLIC_LISTEN: publicHost, ISSUER: `http://${publicHost}`, ...settings });
  const browser = await openBrowser();
  onTestFinished(() => browser.close());
  const { page, errors } = await openPage(browser, context);
  onTestFinished(() => expect(errors.filter((error) => !expected.test(error))).toEqual([]));
  const dialog = page.getByRole("dialog");
  const named = (name: string) => ({ name, exact: true });
  return {
    gateway,
    page,
    dialog,
    button: (name: string) => page.getByRole("button", named(name)),
    click: (name: string) => page.getByRole("button", named(name)).click(),
    confirm: (name: string) => dialog.getByRole("button", named(name)).click(),
    fill: (label: string, text: string) => page.getByLabel(label).fill(text),
    see: (text: string | RegExp) => page.getByText(text).waitFor(),
    visit: (address: string, heading: string) => visit(page, address, heading),
    async followLink() {
      const link = (await gateway.createSignInLink()) ?? "";
      await page.goto(link);
      await arrive(page, "Overview");
      return link;
    },
    async signIn(token: string) {
      await page.goto(gateway.internalUrl);
      await page.getByLabel("Admin token").fill(token);
      await page.getByRole("button", named("Sign in")).click();
    },
  };
}

/** Opens the dashboard, signed in by a link. */
export async function openSignedIn(options?: DashboardOptions) {
  const dashboard = await openDashboard(options);
  await dashboard.followLink();
  return dashboard;
}
