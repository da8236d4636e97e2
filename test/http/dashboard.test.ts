// The dashboard over HTTP: sign-in and sign-out, pages of other origins, and the headers of its files.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { staticFiles } from "../../src/http/dashboard.ts";
import { ADMIN_TOKEN, startFileGateway, startTestGateway } from "../gateway.ts";
import { temporaryFolder } from "../program.ts";

const OWN_PAGE = { "X-Countersign-Dashboard": "1" };

// Frozen time: the life of a session is in whole seconds.
const now = Date.now();
const gateway = await startFileGateway({}, { now: () => now });

function post(path: string, body: unknown, headers: Record<string, string> = OWN_PAGE): Promise<Response> {
  return fetch(new URL(path, gateway.internalUrl), {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

async function reasonOf(response: Response): Promise<string> {
  const text = await response.text();
  return response.ok ? "ok" : JSON.parse(text).reason;
}

/** Signs in. @returns the cookie as browsers send it back */
async function signIn(credentials: object): Promise<string> {
  const response = await post("/dashboard/sign-in", credentials);
  expect(await response.text()).toBe("{}");
  return response.headers.get("set-cookie")?.split(";")[0] ?? "";
}

const listCustomers = (headers: Record<string, string>): Promise<Response> =>
  fetch(new URL("/v1/customers", gateway.internalUrl), { headers });

describe("a session", () => {
  test("is a cookie hidden from scripts and other sites, and may call AdminService", async () => {
    const response = await post("/dashboard/sign-in", { token: ADMIN_TOKEN });
    expect([response.status, response.headers.get("cache-control")]).toEqual([200, "no-store"]);
    const header = response.headers.get("set-cookie") ?? "";
    expect(header).toMatch(/^countersign-session=[\w-]+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/);
    const cookie = header.split(";")[0] ?? "";
    expect(cookie).not.toContain(ADMIN_TOKEN);
    expect((await listCustomers({ cookie, ...OWN_PAGE })).status).toBe(200);
    expect((await listCustomers({ cookie })).status).toBe(401);
    expect((await listCustomers({ cookie: `${cookie}A`, ...OWN_PAGE })).status).toBe(401);
    const out = await post("/dashboard/sign-out", {}, { cookie, ...OWN_PAGE });
    expect(out.headers.get("set-cookie")).toMatch(/^countersign-session=; Path=\/; Max-Age=0;/);
  });

  test("is opened by a link once", async () => {
    const link = (await gateway.createSignInLink()) ?? "";
    expect(link.startsWith(`${gateway.internalUrl}/#sign-in=`)).toBe(true);
    const code = link.split("=")[1];
    expect((await listCustomers({ cookie: await signIn({ code }), ...OWN_PAGE })).status).toBe(200);
    expect(await reasonOf(await post("/dashboard/sign-in", { code }))).toBe("invalid_admin_token");
  });
});

describe("a page of another site", () => {
  test("cannot use the cookie in a POST of any kind", async () => {
    const cookie = await signIn({ token: ADMIN_TOKEN });
    const foreign = { cookie, Origin: "https://evil.example" };
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/json"]) {
      const answer = await post("/v1/customers", { display_name: "evil" }, { ...foreign, "Content-Type": type });
      expect(await reasonOf(answer)).toBe("invalid_admin_token");
    }
    const connect = "/countersign.admin.v1.AdminService/CreateCustomer";
    expect((await post(connect, { customer: { displayName: "evil" } }, foreign)).status).toBe(401);
    const { items } = await gateway.registry.customers.list({ pageSize: 0, pageToken: "", filter: "" });
    expect(items.filter(({ displayName }) => displayName === "evil")).toEqual([]);
  });

  test("gets no permission to send the header, and cannot sign in", async () => {
    const preflight = await fetch(new URL("/v1/customers", gateway.internalUrl), {
      method: "OPTIONS",
      headers: {
        Origin: "https://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-countersign-dashboard",
      },
    });
    await preflight.text();
    expect(preflight.ok && preflight.headers.has("access-control-allow-headers")).toBe(false);
    for (const path of ["/dashboard/sign-in", "/dashboard/sign-out"]) {
      expect(await reasonOf(await post(path, { token: ADMIN_TOKEN }, {}))).toBe("invalid_admin_token");
    }
  });
});

test.each([
  [{ token: "another" }, "invalid_admin_token"],
  [{ code: "another" }, "invalid_admin_token"],
  [{ token: "" }, "invalid_admin_token"],
  [{ token: 7 }, "malformed"],
  [{}, "malformed"],
  [null, "malformed"],
  [{ token: "x".repeat(2_000) }, "too_large"],
])("signing in with %j is refused", async (credentials, reason) => {
  const response = await post("/dashboard/sign-in", credentials);
  expect([await reasonOf(response), response.headers.get("set-cookie")]).toEqual([reason, null]);
});

test("files are served under a strict policy, and compressed if the browser accepts that", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "assets"));
  const script = "console.log(1)".repeat(100);
  writeFileSync(join(folder, "index.html"), "<!doctype html>");
  writeFileSync(join(folder, "assets", "main-abc.js"), script);
  writeFileSync(join(folder, "secret.txt"), "not a page");
  const files = staticFiles(folder);
  expect(Object.keys(files).sort()).toEqual(["/", "/assets/main-abc.js"]);
  const ask = async (path: string, accepted?: string) =>
    files[path]?.answer({
      header: (name) => (name === "accept-encoding" ? accepted : undefined),
      body: new Uint8Array(),
      caller: { address: "", requestId: "", protocol: "rest" },
    });
  const page = await ask("/");
  expect(page).toMatchObject({ contentType: "text/html; charset=utf-8", body: Buffer.from("<!doctype html>") });
  expect(page?.maxAge).toBeUndefined();
  const policy = page?.headers?.find(([name]) => name === "Content-Security-Policy")?.[1] ?? "";
  expect(policy).toContain("default-src 'none'; script-src 'self';");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain("unsafe");
  const asset = await ask("/assets/main-abc.js", "gzip, br");
  expect(asset).toMatchObject({ maxAge: 31_536_000, headers: expect.arrayContaining([["Content-Encoding", "gzip"]]) });
  expect(gunzipSync(asset?.body ?? "").toString()).toBe(script);
});

test("without a build, the page tells how to make one", async () => {
  const answer = await staticFiles(join(temporaryFolder(), "none"))["/"]?.answer({
    header: () => undefined,
    body: new Uint8Array(),
    caller: { address: "", requestId: "", protocol: "rest" },
  });
  expect(answer).toMatchObject({ status: 503, body: expect.stringContaining("npm run build:dashboard") });
});

test("DASHBOARD=off turns the dashboard off, and the public listener never has it", async () => {
  const { internalUrl, createSignInLink } = await startTestGateway({ DASHBOARD: "off" });
  const statusOf = async (url: string, path: string): Promise<number> => {
    const response = await fetch(new URL(path, url), { method: path === "/" ? "GET" : "POST", headers: OWN_PAGE });
    await response.text();
    return response.status;
  };
  expect([await statusOf(internalUrl, "/"), await statusOf(internalUrl, "/dashboard/sign-in")]).toEqual([404, 404]);
  expect(await createSignInLink()).toBeUndefined();
  const { publicUrl } = gateway;
  expect([await statusOf(publicUrl, "/"), await statusOf(publicUrl, "/dashboard/sign-in")]).toEqual([404, 404]);
});
