// connect-web in Chromium: a page of an allowed origin logs in; a page of another origin can only read documents.

import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { build } from "vite";
import { listenOnLoopback } from "../free-port.ts";
import { openGateway, signNow } from "../gateway.ts";
import { openBrowser, openPage } from "./browser.ts";
import type { Outcome } from "./page.ts";
import type { Row } from "./rows.ts";

const DOCUMENTS = {
  "/.well-known/jwks.json": "200",
  "/.well-known/oauth-authorization-server": "200",
  "/openapi.json": "200",
};
const ALLOWED: Outcome = {
  Connect: "remaining 9, invalid_credentials",
  "gRPC-Web": "remaining 8, invalid_credentials",
  REST: "remaining 7, invalid_credentials",
  ...DOCUMENTS,
};
const HIDDEN = "unreadable, unreadable";
const FOREIGN: Outcome = { Connect: HIDDEN, "gRPC-Web": HIDDEN, REST: HIDDEN, ...DOCUMENTS };

export function webRows(): readonly Row[] {
  return [
    { name: "web, an allowed origin", longestMs: 120_000, run: () => compare(true, ALLOWED) },
    { name: "web, another origin", longestMs: 120_000, run: () => compare(false, FOREIGN) },
  ];
}

async function compare(isAllowed: boolean, expected: Outcome): Promise<readonly string[]> {
  const server = await servePage();
  const origin = `http://127.0.0.1:${await listenOnLoopback(server)}`;
  const gateway = await openGateway({ CORS_ORIGINS: isAllowed ? origin : "https://app.example" });
  const browser = await openBrowser();
  try {
    // The browser logs each request that it blocks.
    const { page } = await openPage(browser, {}, /./);
    await page.goto(origin);
    const login = signNow(await gateway.enrol());
    const call = `logInFromPage(${JSON.stringify(gateway.publicUrl)}, ${JSON.stringify(login)})`;
    const outcome: Outcome = await page.evaluate(call);
    return Object.entries(expected)
      .filter(([way, expected]) => outcome[way] !== expected)
      .map(([way, expected]) => `${way}: ${outcome[way]}, not ${expected}`);
  } finally {
    await browser.close();
    await gateway.close();
    server.close();
  }
}

/** A server of the page and its script, bundled. */
async function servePage(): Promise<Server> {
  const entry = join(import.meta.dirname, "page.ts");
  const lib = { entry, formats: ["es" as const] };
  const built = await build({ configFile: false, logLevel: "silent", build: { write: false, lib } });
  const [bundle] = Array.isArray(built) ? built : [built];
  const chunk = bundle !== undefined && "output" in bundle ? bundle.output[0] : undefined;
  if (chunk === undefined) throw new TypeError("the build has no chunk");
  return createServer((request, response) => {
    const isScript = request.url === "/page.js";
    response.setHeader("Content-Type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? chunk.code : '<!doctype html><script type="module" src="/page.js"></script>');
  });
}
