// Answers to logins and token checks match the OpenAPI documents.

import { createServiceImplSpec } from "@connectrpc/connect";
import { afterAll, describe, expect, test } from "vitest";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { TokenService } from "../../gen/es/countersign/token/v1/token_pb.ts";
import { AuthError } from "../../src/core/errors.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { TOKEN_MESSAGE_BYTES } from "../../src/services/auth.ts";
import { postLogin } from "../gateway.ts";
import { loginCases, makeLogins, NOW, sign, startCaseGateways } from "../protocols/login-cases.ts";
import { mountThrowing } from "../protocols/mount.ts";
import { objectOf, readGenerated } from "./document.ts";

const documents = { public: readGenerated("public"), internal: readGenerated("internal") };

type Ask = () => Promise<Response>;

/** Requests with their outcome: `ok` or the reason. */
type Cases = readonly (readonly [outcome: string, ask: Ask])[];

const clock = { now: NOW };
const gateways = await startCaseGateways(() => clock.now);
const gateway = gateways.default;

const bug = new TypeError("a bug");
const unavailable = new AuthError("unavailable", "the registry is away", { retryAfterMs: 1_000 });
const spec = createServiceImplSpec<typeof TokenService>(TokenService, {});
const tokens = { spec, maxMessageBytes: TOKEN_MESSAGE_BYTES };
const broken = await mountThrowing(bug, { spec: createServiceImplSpec<typeof AuthService>(AuthService, {}) });
const brokenTokens = await mountThrowing(bug, tokens);
const awayTokens = await mountThrowing(unavailable, tokens);
afterAll(() => Promise.all([broken, brokenTokens, awayTokens].map((one) => one.close(0))));

const cases: Cases = loginCases.map((login) => [
  login.expected.outcome,
  async () => {
    const used = gateways[login.on ?? "default"];
    const bodies = await makeLogins(login, used);
    for (const body of bodies.slice(0, -1)) await (await postLogin(used.publicUrl, body)).text();
    return postLogin(used.publicUrl, bodies.at(-1));
  },
]);
const form = { method: "POST", body: new URLSearchParams("a=b") };
const logins: Cases = [
  ...cases,
  ["malformed", () => postLogin(gateway.publicUrl, "{")],
  ["unsupported_media_type", () => fetch(new URL("/auth/login", gateway.publicUrl), form)],
  ["internal", () => postLogin(broken.url, sign("pump-7"))],
];

const times: Cases = [
  ["ok", () => fetch(new URL("/auth/time", gateway.publicUrl))],
  ["malformed", () => fetch(`${gateway.publicUrl}/auth/time?%zz=1`)],
  ["internal", () => fetch(new URL("/auth/time", broken.url))],
];

const verify = (token: unknown, url = gateway.internalUrl): Promise<Response> =>
  post(new URL("/v1/tokens:verify", url), JSON.stringify({ token }));

function post(url: URL, body: string, type = "application/json"): Promise<Response> {
  return fetch(url, { method: "POST", headers: { "Content-Type": type }, body });
}

/** The token of a device. */
async function logIn(deviceKey: string): Promise<unknown> {
  return JSON.parse(await (await postLogin(gateway.publicUrl, sign(deviceKey))).text()).token;
}

async function verifyExpired(): Promise<Response> {
  const token = await logIn(await gateway.enrol());
  clock.now = NOW + 600_000;
  const answer = await verify(token);
  clock.now = NOW;
  return answer;
}

async function verifyRevoked(): Promise<Response> {
  const deviceKey = await gateway.enrol();
  const token = await logIn(deviceKey);
  await gateway.registry.devices.revokeTokens(deviceKey, GATEWAY);
  return verify(token);
}

const VERIFY = new URL("/v1/tokens:verify", gateway.internalUrl);
const tokenChecks: Cases = [
  ["ok", async () => verify(await logIn(await gateway.enrol()))],
  ["malformed", () => verify(undefined)],
  ["malformed", () => post(VERIFY, "{")],
  ["invalid", () => verify("none")],
  ["expired", verifyExpired],
  ["revoked", verifyRevoked],
  ["too_large", () => post(VERIFY, "x".repeat(TOKEN_MESSAGE_BYTES + 1))],
  ["unsupported_media_type", () => post(VERIFY, "token", "text/plain")],
  ["unavailable", () => verify("any", awayTokens.url)],
  ["internal", () => verify("any", brokenTokens.url)],
];

describe.each([
  { operation: "AuthService_Login", name: "public", cases: logins },
  { operation: "AuthService_GetServerTime", name: "public", cases: times },
  { operation: "TokenService_Verify", name: "internal", cases: tokenChecks },
] as const)("$operation in the $name document", ({ operation, name, cases }) => {
  const document = documents[name];

  test.each(cases)("answers %s as documented", async (outcome, ask) => {
    const { reason = "ok" } = await document.expectDocumented(await ask(), operation);
    expect(reason).toBe(outcome);
  });

  test("documents no other reason", () => {
    const { pointer } = document.operation(operation);
    const documented = Object.keys(objectOf(document.at(pointer)["responses"])).flatMap((status) => {
      if (status === "200" || status === "default") return [];
      const schema = `${pointer}/responses/${status}/content/application~1json/schema`;
      return Object.values(objectOf(document.at(`${schema}/allOf/1/properties/reason`)["enum"]));
    });
    expect(["ok", ...documented].sort()).toEqual([...new Set(cases.map(([outcome]) => outcome))].sort());
  });
});

test("the internal document has the public one's paths", () => {
  expect(documents.internal.json["paths"]).toMatchObject(objectOf(documents.public.json["paths"]));
});

test("an error outside of every operation fits the default answer", async () => {
  const { expectDocumented } = documents.public;
  const login = (options: RequestInit): Promise<Response> => fetch(new URL("/auth/login", gateway.publicUrl), options);
  for (const [reason, answer] of [
    ["method_not_allowed", await login({ method: "DELETE" })],
    ["not_found", await fetch(new URL("/auth/logout", gateway.publicUrl))],
    ["malformed", await login({ method: "POST", headers: { "X-Long": "x".repeat(20_000) } })],
  ] as const) {
    expect(await expectDocumented(answer, "AuthService_Login", "default")).toMatchObject({ reason });
  }
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
  const response = await fetch(new URL("/openapi.json", gateway[`${name}Url`]));
  const { status, headers } = response;
  expect([status, headers.get("Content-Type"), headers.has("ETag")]).toEqual([200, "application/json", true]);
  expect(await response.json()).toEqual(documents[name].json);
});
