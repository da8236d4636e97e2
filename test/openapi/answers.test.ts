// Answers to logins and token checks against the OpenAPI documents: every documented reason occurs, and no other.

import { createServiceImplSpec } from "@connectrpc/connect";
import { afterAll, describe, expect, test } from "vitest";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { TokenService } from "../../gen/es/countersign/token/v1/token_pb.ts";
import type { LoginBody } from "../../src/cli/sign.ts";
import { AuthError } from "../../src/core/errors.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { TOKEN_MESSAGE_BYTES } from "../../src/services/auth.ts";
import { CUSTOMER_KEY, postLogin, signNow, startFileGateway } from "../gateway.ts";
import { mountThrowing } from "../protocols/mount.ts";
import { objectOf, readGenerated } from "./document.ts";

const documents = { public: readGenerated("public"), internal: readGenerated("internal") };

type Ask = () => Promise<Response>;

/** Requests by their outcome: `ok` or the reason. */
type Cases = Readonly<Record<string, Ask | readonly Ask[]>>;

const NOW = 1_764_000_000_000;
const SECONDS = NOW / 1000;
const clock = { now: NOW };

const options = { now: (): number => clock.now };
const gateway = await startFileGateway({ ADDRESS_LIMIT: "off" }, options);
const strict = await startFileGateway({ ADDRESS_LIMIT: "1/60s" }, options);
const away = await startFileGateway({ REDIS_URL: "redis://127.0.0.1:1", REDIS_DOWN: "deny" }, options);

const bug = new TypeError("a bug");
const unavailable = new AuthError("unavailable", "the registry is away", { retryAfterMs: 1_000 });
const spec = createServiceImplSpec<typeof TokenService>(TokenService, {});
const tokens = { spec, maxMessageBytes: TOKEN_MESSAGE_BYTES };
const broken = await mountThrowing(bug, { spec: createServiceImplSpec<typeof AuthService>(AuthService, {}) });
const brokenTokens = await mountThrowing(bug, tokens);
const awayTokens = await mountThrowing(unavailable, tokens);
afterAll(() => Promise.all([broken, brokenTokens, awayTokens].map((one) => one.close(0))));

const sign = (deviceKey: string, timestamp = SECONDS, customerKey = CUSTOMER_KEY): LoginBody =>
  signNow(deviceKey, customerKey, timestamp);

/** Posts a login `times` times. @returns the last answer */
async function repeat(times: number, url: string, body: unknown): Promise<Response> {
  for (let sent = 1; sent < times; sent++) await (await postLogin(url, body)).text();
  return postLogin(url, body);
}

const post = (body: unknown, times = 1): Promise<Response> => repeat(times, gateway.publicUrl, body);
const device = (draft = {}): Promise<string> => gateway.enrol(draft);
const form = { method: "POST", body: new URLSearchParams("a=b") };

const loginCases: Cases = {
  ok: async () => post(sign(await device())),
  malformed: [() => post("{"), () => post([]), async () => post(sign(await device(), -1))],
  too_large: () => post("x".repeat(5_000)),
  unsupported_media_type: () => fetch(new URL("/auth/login", gateway.publicUrl), form),
  clock_skew: () => post(sign("pump-7", 0)),
  invalid_credentials: () => post(sign("nobody")),
  rate_limited: [
    async () => post(sign(await device(), SECONDS, "another key"), 11),
    async () => post(sign(await device()), 11),
    async () => repeat(3, strict.publicUrl, sign("nobody")),
  ],
  disabled: async () => post(sign(await device({ status: "disabled" }))),
  replayed: async () => post(sign(await device({ replayGuard: true })), 2),
  unavailable: async () => postLogin(away.publicUrl, sign(await away.enrol())),
  internal: () => postLogin(broken.url, sign("pump-7")),
};

const timeCases: Cases = {
  ok: () => fetch(new URL("/auth/time", gateway.publicUrl)),
  malformed: () => fetch(`${gateway.publicUrl}/auth/time?%zz=1`),
  internal: () => fetch(new URL("/auth/time", broken.url)),
};

function verify(body: unknown, url = gateway.internalUrl, type = "application/json"): Promise<Response> {
  return fetch(new URL("/v1/tokens:verify", url), {
    method: "POST",
    headers: { "Content-Type": type },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

async function logIn(deviceKey: string): Promise<string> {
  return String(JSON.parse(await (await postLogin(gateway.publicUrl, sign(deviceKey))).text()).token);
}

const tokenCases: Cases = {
  ok: async () => verify({ token: await logIn(await gateway.enrol()) }),
  malformed: [() => verify({}), () => verify("{")],
  invalid: () => verify({ token: "none" }),
  expired: async () => {
    const token = await logIn(await gateway.enrol());
    clock.now = NOW + 600_000;
    const answer = await verify({ token });
    clock.now = NOW;
    return answer;
  },
  revoked: async () => {
    const deviceKey = await gateway.enrol();
    const token = await logIn(deviceKey);
    await gateway.registry.devices.revokeTokens(deviceKey, GATEWAY);
    return verify({ token });
  },
  too_large: () => verify("x".repeat(TOKEN_MESSAGE_BYTES + 1)),
  unsupported_media_type: () => verify("token", undefined, "text/plain"),
  unavailable: () => verify({ token: "any" }, awayTokens.url),
  internal: () => verify({ token: "any" }, brokenTokens.url),
};

describe.each([
  { operation: "AuthService_Login", name: "public", cases: loginCases },
  { operation: "AuthService_GetServerTime", name: "public", cases: timeCases },
  { operation: "TokenService_Verify", name: "internal", cases: tokenCases },
] as const)("$operation in the $name document", ({ operation, name, cases }) => {
  const document = documents[name];
  const asks = Object.entries(cases).flatMap(([outcome, ask]) =>
    [ask].flat().map((one): [string, Ask] => [outcome, one]),
  );

  test.each(asks)("answers %s as documented", async (outcome, ask) => {
    const { reason = "ok" } = await document.expectDocumented(await ask(), operation);
    expect(reason).toBe(outcome);
  });

  test("documents no other reason", () => {
    const { pointer = "" } = document.operations.find(({ id }) => id === operation) ?? {};
    const documented = Object.keys(objectOf(document.at(pointer)["responses"])).flatMap((status) => {
      if (status === "200" || status === "default") return [];
      const schema = `${pointer}/responses/${status}/content/application~1json/schema`;
      return Object.values(objectOf(document.at(`${schema}/allOf/1/properties/reason`)["enum"]));
    });
    expect(["ok", ...documented].sort()).toEqual([...new Set(asks.map(([outcome]) => outcome))].sort());
  });
});

test("the internal document has the public one's paths", () => {
  expect(documents.internal.json["paths"]).toMatchObject(objectOf(documents.public.json["paths"]));
});

test("an error outside of every operation fits the default answer", async () => {
  const { expectDocumented } = documents.public;
  const login = (options: RequestInit): Promise<Response> => fetch(new URL("/auth/login", gateway.publicUrl), options);
  const otherVerb = await login({ method: "DELETE" });
  expect(otherVerb.headers.get("Allow")).toContain("POST");
  expect(await expectDocumented(otherVerb, "AuthService_Login", "default")).toMatchObject({
    reason: "method_not_allowed",
  });
  const otherPath = await fetch(new URL("/auth/logout", gateway.publicUrl));
  expect(await expectDocumented(otherPath, "AuthService_Login", "default")).toMatchObject({ reason: "not_found" });
  const tooManyHeaders = await login({ method: "POST", headers: { "X-Long": "x".repeat(20_000) } });
  expect(tooManyHeaders.status).toBe(431);
  expect(await expectDocumented(tooManyHeaders, "AuthService_Login", "default")).toMatchObject({ reason: "malformed" });
});

test("a login without a required field is malformed", async () => {
  const schema = "/components/schemas/LoginRequest";
  const { required, properties } = documents.public.at(schema);
  const names = Object.values(objectOf(required)).map(String);
  expect(names.sort()).toEqual(Object.keys(objectOf(properties)).sort());
  const login = Object.entries(sign(await gateway.enrol()));
  for (const name of names) {
    const rest = Object.fromEntries(login.filter(([key]) => key !== name));
    expect(documents.public.mistakes(schema, rest)).toContain(name);
    expect(await (await postLogin(gateway.publicUrl, rest)).json()).toMatchObject({ reason: "malformed", field: name });
  }
});

test.each(["public", "internal"] as const)("the %s listener serves its document", async (name) => {
  const url = new URL("/openapi.json", gateway[`${name}Url`]);
  const response = await fetch(url);
  expect([response.status, response.headers.get("Content-Type")]).toEqual([200, "application/json"]);
  expect(await response.json()).toEqual(documents[name].json);
  const again = await fetch(url, { headers: { "If-None-Match": response.headers.get("ETag") ?? "" } });
  expect(again.status).toBe(304);
});
