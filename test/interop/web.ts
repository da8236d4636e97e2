// connect-web in Chromium: a page of an allowed origin logs in, a page of another one may read documents alone.

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { build } from "vite";
import { signLogin } from "../../src/cli/sign.ts";
import { CUSTOMER_KEY, openGateway } from "../gateway.ts";
import { openBrowser, openPage } from "./browser.ts";
import type { Row } from "./buf.ts";
import type { Outcome } from "./page.ts";

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
const FOREIGN: Outcome = {
  Connect: "unreadable, unreadable",
  "gRPC-Web": "unreadable, unreadable",
  REST: "unreadable, unreadable",
  ...DOCUMENTS,
};

export function webRows(): readonly Row[] {
  return [
    { name: "web, an allowed origin", longestMs: 120_000, run: () => compare(true, ALLOWED) },
    { name: "web, another origin", longestMs: 120_000, run: () => compare(false, FOREIGN) },
  ];
}

async function compare(isAllowed: boolean, expected: Outcome): Promise<readonly string[]> {
  const server = await servePage();
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("a TCP server has a port");
  const origin = `http://127.0.0.1:${address.port}`;
  const gateway = await openGateway({ CORS_ORIGINS: isAllowed ? origin : "https://app.example" });
  const browser = await openBrowser();
  try {
    // The browser logs each request that it keeps from the page.
    const { page } = await openPage(browser, {}, /./);
    await page.goto(origin);
    const login = signLogin(
      { deviceKey: await gateway.enrol(), customerKey: CUSTOMER_KEY },
      Math.floor(Date.now() / 1000),
    );
    const call = `logInFromPage(${JSON.stringify(gateway.publicUrl)}, ${JSON.stringify(login)})`;
    const outcome: Outcome = await page.evaluate(call);
    return Object.entries(expected)
      .filter(([way, told]) => outcome[way] !== told)
      .map(([way, told]) => `${way}: ${outcome[way]}, not ${told}`);
  } finally {
    await browser.close();
    await gateway.close();
    server.close();
  }
}

/** Serves the page's script, bundled, at an origin of its own. */
async function servePage(): Promise<Server> {
  const entry = join(import.meta.dirname, "page.ts");
  const lib = { entry, formats: ["es" as const] };
  const built = await build({ configFile: false, logLevel: "silent", build: { write: false, lib } });
  const [bundle] = Array.isArray(built) ? built : [built];
  const chunk = bundle !== undefined && "output" in bundle ? bundle.output[0] : undefined;
  if (chunk === undefined) throw new TypeError("a build has a chunk");
  const server = createServer((request, response) => {
    const isScript = request.url === "/page.js";
    response.setHeader("Content-Type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? chunk.code : '<!doctype html><script type="module" src="/page.js"></script>');
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}
