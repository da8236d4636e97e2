// An operator's work in the dashboard of a real gateway, page by page.

import type { BrowserContextOptions, Page } from "playwright-core";
import type { Environment } from "../../src/config.ts";
import type { TestGateway } from "../gateway.ts";

export interface Scene {
  readonly gateway: TestGateway;
  readonly page: Page;
  /** Mistakes that a row finds, beside those of the console. */
  readonly mistakes: string[];
}

export interface Story {
  readonly name: string;
  readonly settings?: Environment;
  readonly context?: BrowserContextOptions;
  /** Console errors that belong to the story: browsers log each answer from 400 on. */
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
