// `npm run bench:dashboard [-- --devices N]`: measures a dashboard of a million devices, and logins during changes.

import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import type { Page } from "playwright-core";
import { AdminService, DeviceAction } from "../gen/es/countersign/admin/v1/admin_pb.ts";
import { logInBy } from "../test/gateway.ts";
import { openBrowser, openPage } from "../test/interop/browser.ts";
import { serve } from "../test/program.ts";
import { quantile, say } from "./figures.ts";

const { values } = parseArgs({ options: { devices: { type: "string", default: "1000000" } } });
const DEVICES = Number(values.devices);
const CHANGED = Math.min(200_000, Math.floor(DEVICES / 5));

const MOST_PAINT_MS = 1_000;
const MOST_PAGE_MS = 300;
const MOST_SEARCH_MS = 500;
const MOST_DELAY_MS = 20;

const BATCH = 1_000;
const REPEATS = 9;
const LOGIN_EVERY_MS = 10;
const QUIET_MS = 10_000;
const ROUNDS = 3;

/** The name of a device. The changed devices are adjacent in sort order; the others are in random order. */
function keyOf(index: number): string {
  const hash = createHash("sha256").update(`device ${index}`).digest("hex").slice(0, 24);
  return index < CHANGED ? `change-${hash}` : `device-${hash}`;
}

async function enrol(admin: Client<typeof AdminService>): Promise<string> {
  await admin.createCustomer({ customerId: "bench" });
  const { customerKey } = await admin.issueCustomerKey({ customerId: "bench" });
  for (let start = 0; start < DEVICES; start += BATCH) {
    const size = Math.min(BATCH, DEVICES - start);
    const rows = Array.from({ length: size }, (_, at) => ({ deviceKey: keyOf(start + at), customerId: "bench" }));
    await admin.importDevices({ rows });
  }
  return customerKey;
}

/** Runs a script in the page that changes the list, and waits until another device is first. @returns milliseconds */
function untilListed(page: Page, change: string, isListed: string): Promise<number> {
  return page.evaluate(`new Promise((resolve) => {
    const first = () => document.querySelector("tbody code")?.textContent ?? "";
    const before = first();
    const started = performance.now();
    ${change};
    const look = () => (${isListed} ? resolve(performance.now() - started) : requestAnimationFrame(look));
    look();
  })`);
}

/** Logs in at a rate until `work` is done. @returns the time of each login in milliseconds, ascending */
async function logInDuring(url: string, customerKey: string, work: Promise<unknown>): Promise<readonly number[]> {
  let isDone = false;
  void work.finally(() => {
    isDone = true;
  });
  const logins: Promise<number>[] = [];
  for (let index = DEVICES - 1; !isDone; index = index > CHANGED + 1 ? index - 1 : DEVICES - 1) {
    const begun = performance.now();
    const login = logInBy(url, { deviceKey: keyOf(index), customerKey }).then(async (answer) => {
      await answer.text();
      if (answer.status !== 200) throw new Error(`a login is answered ${answer.status}`);
      return performance.now() - begun;
    });
    logins.push(login);
    await pause(LOGIN_EVERY_MS);
  }
  await work;
  return (await Promise.all(logins)).sort((one, other) => one - other);
}

async function changeAll(admin: Client<typeof AdminService>, action: DeviceAction): Promise<void> {
  const filter = 'device_key >= "change-" AND device_key < "change."';
  let [changed, pageToken] = [0, ""];
  do {
    const answer = await admin.changeDevices({ filter, action, pageToken });
    changed += answer.changed;
    pageToken = answer.nextPageToken;
  } while (pageToken !== "");
  if (changed !== CHANGED) throw new Error(`${changed} of ${CHANGED} devices were changed`);
}

let failed = 0;
function judge(name: string, milliseconds: readonly number[], most: number): void {
  const ascending = [...milliseconds].sort((one, other) => one - other);
  const [median, worst] = [quantile(ascending, 0.5), quantile(ascending, 1)];
  const isMet = median <= most;
  if (!isMet) failed++;
  say(
    `${name}: median ${median.toFixed(0)} ms, worst ${worst.toFixed(0)} ms; target ${most} ms: ${isMet ? "met" : "MISSED"}`,
  );
}

await using cleanup = new AsyncDisposableStack();
// On the disk that the checkout is on: /tmp may be memory.
const cache = join(import.meta.dirname, "../node_modules/.cache");
mkdirSync(cache, { recursive: true });
const data = mkdtempSync(join(cache, "bench-dashboard-"));
cleanup.defer(() => rmSync(data, { recursive: true, force: true }));
const env = { COUNTERSIGN_LOG_LEVEL: "error", COUNTERSIGN_LOGIN_LIMIT: "off", COUNTERSIGN_ADDRESS_LIMIT: "off" };
const gateway = await serve(data, { env }, [], (end) => cleanup.defer(end));
const token = readFileSync(join(data, "admin-token"), "utf8").trim();
const admin = createClient(
  AdminService,
  createConnectTransport({
    baseUrl: gateway.internalUrl,
    httpVersion: "1.1",
    interceptors: [
      (next) => (request) => {
        request.header.set("authorization", `Bearer ${token}`);
        return next(request);
      },
    ],
  }),
);
const begun = performance.now();
const customerKey = await enrol(admin);
say(`${DEVICES} devices are enrolled in ${((performance.now() - begun) / 1_000).toFixed(0)} s.`);

const browser = await openBrowser();
cleanup.defer(() => browser.close());
const { page } = await openPage(browser);
await page.goto(`${gateway.internalUrl}/#sign-in=${(await admin.createSignInCode({})).code}`);
await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
const [paints, pages, searches]: [number[], number[], number[]] = [[], [], []];
for (let round = 0; round < REPEATS; round++) {
  await page.goto("about:blank");
  const opened = performance.now();
  await page.goto(`${gateway.internalUrl}/#/devices`);
  await page.locator("tbody tr").first().waitFor();
  paints.push(performance.now() - opened);
  const next = `[...document.querySelectorAll(".pager button")].at(-1).click()`;
  pages.push(await untilListed(page, next, "first() !== before && first() !== ''"));
  const prefix = keyOf(CHANGED + round).slice(0, 10);
  const type = `const input = document.querySelector("search input"); input.value = ${JSON.stringify(prefix)};
    input.dispatchEvent(new InputEvent("input", { bubbles: true }))`;
  searches.push(await untilListed(page, type, `first().startsWith(${JSON.stringify(prefix)})`));
}
judge("first paint of the list", paints, MOST_PAINT_MS);
judge("next page", pages, MOST_PAGE_MS);
judge("search, the wait after a key included", searches, MOST_SEARCH_MS);
await page.goto("about:blank");

const delays: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const quiet = await logInDuring(gateway.publicUrl, customerKey, pause(QUIET_MS));
  const action = round % 2 === 0 ? DeviceAction.DISABLE : DeviceAction.ENABLE;
  const started = performance.now();
  const during = await logInDuring(gateway.publicUrl, customerKey, changeAll(admin, action));
  const seconds = (performance.now() - started) / 1_000;
  const [alone, busy] = [quantile(quiet, 0.99), quantile(during, 0.99)];
  delays.push(busy - alone);
  say(
    `${CHANGED} devices changed in ${seconds.toFixed(0)} s: p99 of a login ${alone.toFixed(1)} ms alone, ${busy.toFixed(1)} ms during`,
  );
}
judge("added to the p99 of a login by the change", delays, MOST_DELAY_MS);
await cleanup.disposeAsync();
process.exit(failed === 0 ? 0 : 1);
