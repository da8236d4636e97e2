// The dashboard over HTTP: sign-in, sign-out and headers of files.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { staticFiles } from "../../src/http/dashboard.ts";
import type { EndpointAnswer, Endpoints } from "../../src/http/endpoints.ts";
import { ADMIN_TOKEN, startFileGateway, startTestGateway } from "../gateway.ts";
import { temporaryFolder } from "../program.ts";

const OWN_PAGE = { "X-Countersign-Dashboard": "1" };

// Frozen time: the life of a session is in whole seconds.
const now = Date.now();
const gateway = await startFileGateway({}, { now: () => now });

/** Posts to the dashboard. @returns the body or the error's reason, and the cookie as it is set and as browsers send it back */
async function post(path: string, body: unknown, headers: Record<string, string> = OWN_PAGE) {
  const response = await fetch(new URL(path, gateway.internalUrl), {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const [setCookie, caching] = ["set-cookie", "cache-control"].map((name) => response.headers.get(name));
  return {
    outcome: response.ok ? text : JSON.parse(text).reason,
    setCookie,
    cookie: setCookie?.split(";")[0] ?? "",
    caching,
  };
}

const signIn = (credentials: unknown, headers?: Record<string, string>) =>
  post("/dashboard/sign-in", credentials, headers);

/** Calls AdminService. @returns the status */
const callWith = async (headers: Record<string, string>): Promise<number> =>
  (await fetch(new URL("/v1/customers", gateway.internalUrl), { headers })).status;

describe("a session", () => {
  test("is a cookie hidden from scripts and other sites, and may call AdminService", async () => {
    const { cookie, ...answer } = await signIn({ token: ADMIN_TOKEN });
    const setCookie = /^countersign-session=[\w-]+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/;
    expect(answer).toEqual({ outcome: "{}", setCookie: expect.stringMatching(setCookie), caching: "no-store" });
    expect(cookie).not.toContain(ADMIN_TOKEN);
    expect(await callWith({ cookie, ...OWN_PAGE })).toBe(200);
    expect(await callWith({ cookie })).toBe(401);
    expect(await callWith({ cookie: `${cookie}A`, ...OWN_PAGE })).toBe(401);
    expect((await post("/dashboard/sign-out", {}, { cookie })).outcome).toBe("invalid_admin_token");
    const out = await post("/dashboard/sign-out", {}, { cookie, ...OWN_PAGE });
    expect(out.setCookie).toMatch(/^countersign-session=; Path=\/; Max-Age=0;/);
  });

  test("is opened by a link once", async () => {
    const link = (await gateway.createSignInLink()) ?? "";
    expect(link.startsWith(`${gateway.internalUrl}/#sign-in=`)).toBe(true);
    const code = link.split("=")[1];
    expect(await callWith({ cookie: (await signIn({ code })).cookie, ...OWN_PAGE })).toBe(200);
    expect((await signIn({ code })).outcome).toBe("invalid_admin_token");
  });
});

test.each<[unknown, string, Record<string, string>?]>([
  [{ token: "another" }, "invalid_admin_token"],
  [{ code: "another" }, "invalid_admin_token"],
  [{ token: "" }, "invalid_admin_token"],
  // As a page of another origin, which cannot send the header.
  [{ token: ADMIN_TOKEN }, "invalid_admin_token", {}],
  [{ token: 7 }, "malformed"],
  [{}, "malformed"],
  [null, "malformed"],
  [{ token: "x".repeat(2_000) }, "too_large"],
])("signing in with %j is refused: %s", async (credentials, reason, headers) => {
  expect(await signIn(credentials, headers)).toMatchObject({ outcome: reason, setCookie: null });
});

async function answerOf(files: Endpoints, path: string, accepted?: string): Promise<EndpointAnswer | undefined> {
  return files[path]?.answer({
    header: (name) => (name === "accept-encoding" ? accepted : undefined),
    body: new Uint8Array(),
    caller: { address: "", requestId: "", protocol: "rest" },
  });
}

test("files are served under a strict policy, and compressed if the browser accepts that", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "assets"));
  const script = "console.log(1)".repeat(100);
  writeFileSync(join(folder, "index.html"), "<!doctype html>");
  writeFileSync(join(folder, "assets", "main-abc.js"), script);
  writeFileSync(join(folder, "secret.txt"), "not a page");
  const files = staticFiles(folder);
  expect(Object.keys(files).sort()).toEqual(["/", "/assets/main-abc.js"]);
  const page = await answerOf(files, "/");
  expect(page).toMatchObject({ contentType: "text/html; charset=utf-8", body: Buffer.from("<!doctype html>") });
  expect(page?.maxAge).toBeUndefined();
  const policy = page?.headers?.find(([name]) => name === "Content-Security-Policy")?.[1] ?? "";
  expect(policy).toContain("default-src 'none'; script-src 'self';");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain("unsafe");
  const asset = await answerOf(files, "/assets/main-abc.js", "gzip, br");
  expect(asset).toMatchObject({ maxAge: 31_536_000, headers: expect.arrayContaining([["Content-Encoding", "gzip"]]) });
  expect(gunzipSync(asset?.body ?? "").toString()).toBe(script);
});

test("without a build, the page tells how to make one", async () => {
  const answer = await answerOf(staticFiles(join(temporaryFolder(), "none")), "/");
  expect(answer).toMatchObject({ status: 503, body: expect.stringContaining("npm run build:dashboard") });
});

test("DASHBOARD=off turns the dashboard off, and the public listener never has it", async () => {
  const { internalUrl, createSignInLink } = await startTestGateway({ DASHBOARD: "off" });
  expect(await createSignInLink()).toBeUndefined();
  for (const url of [internalUrl, gateway.publicUrl]) {
    const answers = [fetch(url), fetch(new URL("/dashboard/sign-in", url), { method: "POST", headers: OWN_PAGE })];
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([404, 404]);
  }
});
