// Web pages in Chromium can log in from allowed origins only.

import { join } from "node:path";
import { build } from "vite";
import { expect, onTestFinished, test } from "vitest";
import { signNow, startTestGateway } from "../gateway.ts";
import { serveHttp } from "../verify/serve.ts";
import { openBrowser, openPage } from "./browser.ts";

async function bundleClient(): Promise<string> {
  const lib = { entry: join(import.meta.dirname, "page.ts"), name: "client", formats: ["iife" as const] };
  const built = await build({ configFile: false, logLevel: "silent", build: { write: false, lib } });
  const [bundled] = Array.isArray(built) ? built : [built];
  if (bundled === undefined || !("output" in bundled)) throw new TypeError("the build has no output");
  return bundled.output[0].code;
}

const HIDDEN = "unreadable, unreadable";

test.each([
  ["an allowed origin reads the answers to its logins", true],
  ["another origin reads documents only", false],
])("a page of %s", async (_what, isAllowed) => {
  const origin = await serveHttp((_request, response) => {
    response.writeHead(200, { "Content-Type": "text/html" }).end("<!doctype html>");
  });
  const gateway = await startTestGateway({ CORS_ORIGINS: isAllowed ? origin : "https://app.example" });
  const browser = await openBrowser();
  onTestFinished(() => browser.close());
  const { page } = await openPage(browser);
  await page.goto(origin);
  await page.addScriptTag({ content: await bundleClient() });
  const login = signNow(await gateway.enrol());
  const call = `client.logInFromPage(${JSON.stringify(gateway.publicUrl)}, ${JSON.stringify(login)})`;
  expect(await page.evaluate(call)).toEqual({
    Connect: isAllowed ? "remaining 9, invalid_credentials" : HIDDEN,
    "gRPC-Web": isAllowed ? "remaining 8, invalid_credentials" : HIDDEN,
    REST: isAllowed ? "remaining 7, invalid_credentials" : HIDDEN,
    "/.well-known/jwks.json": "200",
    "/.well-known/oauth-authorization-server": "200",
    "/openapi.json": "200",
  });
});
