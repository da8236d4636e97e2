// The dashboard in a real browser, against a real gateway.

import { mkdtempDisposableSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { freePort } from "../free-port.ts";
import { openGateway } from "../gateway.ts";
import { startRedis } from "../redis/server.ts";
import { followLink, openBrowser, openPage, type Story, visit } from "./browser.ts";
import { OPERATOR_STORIES } from "./dashboard-operators.ts";
import { PAGE_STORIES } from "./dashboard-pages.ts";
import type { Row } from "./rows.ts";

async function runStory(
  browser: Browser,
  { settings = {}, context, expected, isOut, act }: Story,
): Promise<readonly string[]> {
  await using cleanup = new AsyncDisposableStack();
  const port = await freePort();
  const own = { PUBLIC_LISTEN: `127.0.0.1:${port}`, ISSUER: `http://127.0.0.1:${port}`, ...settings };
  const gateway = await openGateway(own);
  cleanup.defer(gateway.close);
  const { page, mistakes, close } = await openPage(browser, context, expected);
  cleanup.defer(close);
  if (!isOut) await followLink(page, gateway);
  await act({ gateway, page, mistakes });
  return mistakes;
}

const GONE = /ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/;

/** A restart of the gateway while a page is open: the session and the page continue. */
async function restart(browser: Browser): Promise<readonly string[]> {
  await using cleanup = new AsyncDisposableStack();
  using folder = mkdtempDisposableSync(join(tmpdir(), "countersign-"));
  const settings = { DATA_DIR: folder.path, INTERNAL_LISTEN: `127.0.0.1:${await freePort()}` };
  const first = await openGateway(settings);
  cleanup.defer(first.close);
  const { page, mistakes, close } = await openPage(browser, {}, GONE);
  cleanup.defer(close);
  await followLink(page, first);
  await first.close();
  await page.getByText("The gateway does not answer.").waitFor();
  const second = await openGateway(settings);
  cleanup.defer(second.close);
  await page.getByText("The gateway does not answer.").waitFor({ state: "detached" });
  await visit(page, "#/customers", "Customers");
  await page.getByRole("link").filter({ hasText: second.customerId }).waitFor();
  return mistakes;
}

/** Redis goes away while a page is open, and comes back. */
async function outage(browser: Browser): Promise<readonly string[]> {
  await using cleanup = new AsyncDisposableStack();
  const redis = await startRedis();
  cleanup.defer(redis.stop);
  return await runStory(browser, {
    name: "outage",
    settings: { REDIS_URL: redis.url },
    async act({ page }) {
      const banner = page.getByText(
        "Redis is away: each gateway counts logins alone, or admits all (REDIS_DOWN=allow).",
      );
      await redis.kill();
      await banner.waitFor();
      await redis.restart();
      await banner.waitFor({ state: "detached" });
    },
  });
}

/** The rows. The browser starts with the first row, and ends with the process. */
export function dashboardRows(): readonly Row[] {
  let browser: Promise<Browser> | undefined;
  const withBrowser = async (run: (browser: Browser) => Promise<readonly string[]>): Promise<readonly string[]> => {
    browser ??= openBrowser();
    return run(await browser);
  };
  const rows = [
    ...[...OPERATOR_STORIES, ...PAGE_STORIES].map((story) => ({
      name: story.name,
      run: (opened: Browser) => runStory(opened, story),
    })),
    { name: "a gateway that is restarted while a page is open", run: restart },
    { name: "Redis away, and back", run: outage },
  ];
  return rows.map(({ name, run }) => ({ name: `dashboard: ${name}`, run: () => withBrowser(run) }));
}
