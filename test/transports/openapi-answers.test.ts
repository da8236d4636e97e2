// Answers to logins against the OpenAPI documents: every kind that is documented comes, and no other.

import { createServiceImplSpec } from "@connectrpc/connect";
import { afterAll, beforeAll } from "vitest";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { type SignedLogin, signLogin } from "../../src/cli/sign.ts";
import { CUSTOMER_KEY, openGateway, postLogin, type TestGateway } from "../gateway.ts";
import { type Mounted, mountThrowing } from "./mount.ts";
import { type Case, describeAnswers } from "./openapi-cases.ts";

const NOW = 1_764_000_000_000;
const SECONDS = NOW / 1000;

let broken: Mounted;
let usual: TestGateway;
let strict: TestGateway;
let away: TestGateway;

beforeAll(async () => {
  const now = (): number => NOW;
  broken = await mountThrowing(new TypeError("a bug"), {
    spec: createServiceImplSpec<typeof AuthService>(AuthService, {}),
  });
  usual = await openGateway({ ADDRESS_LIMIT: "off" }, { now });
  strict = await openGateway({ ADDRESS_LIMIT: "1/60s" }, { now });
  away = await openGateway({ REDIS_URL: "redis://127.0.0.1:1", REDIS_DOWN: "deny" }, { now });
});
afterAll(async () => {
  for (const one of [broken, usual, strict, away]) await one.close();
});

function sign(deviceKey: string, timestamp = SECONDS, customerKey = CUSTOMER_KEY): SignedLogin {
  return signLogin({ deviceKey, customerKey }, timestamp);
}

/** The answer to the last of so many logins. */
async function repeat(times: number, url: string, body: unknown): Promise<Response> {
  for (let sent = 1; sent < times; sent++) await (await postLogin(url, body)).text();
  return postLogin(url, body);
}

const loginCases = (url: "publicUrl" | "internalUrl"): readonly Case[] => {
  const post = (body: unknown): Promise<Response> => postLogin(usual[url], body);
  const device = (draft = {}): Promise<string> => usual.enrol(draft);
  return [
    ["ok", async () => post(sign(await device()))],
    ["malformed", () => post("{")],
    ["malformed", () => post([])],
    ["malformed", async () => post(sign(await device(), -1))],
    ["too_large", () => post("x".repeat(5_000))],
    [
      "unsupported_media_type",
      () => fetch(new URL("/auth/login", usual[url]), { method: "POST", body: new URLSearchParams("a=b") }),
    ],
    ["clock_skew", () => post(sign("pump-7", 0))],
    ["invalid_credentials", () => post(sign("nobody"))],
    ["rate_limited", async () => repeat(11, usual[url], sign(await device(), SECONDS, "another key"))],
    ["rate_limited", async () => repeat(11, usual[url], sign(await device()))],
    ["rate_limited", async () => repeat(3, strict[url], sign(await strict.enrol()))],
    ["disabled", async () => post(sign(await device({ status: "disabled" })))],
    ["replayed", async () => repeat(2, usual[url], sign(await device({ replayGuard: true })))],
    ["unavailable", async () => repeat(1, away[url], sign(await away.enrol()))],
    ["internal", () => postLogin(broken.shared.url, sign("pump-7"))],
  ];
};

const timeCases = (url: "publicUrl" | "internalUrl"): readonly Case[] => [
  ["ok", () => fetch(new URL("/auth/time", usual[url]))],
  ["malformed", () => fetch(`${usual[url]}/auth/time?%zz=1`)],
  ["internal", () => fetch(new URL("/auth/time", broken.shared.url))],
];

describeAnswers([
  { operation: "AuthService_Login", name: "public", own: loginCases("publicUrl") },
  { operation: "AuthService_Login", name: "internal", own: loginCases("internalUrl") },
  { operation: "AuthService_GetServerTime", name: "public", own: timeCases("publicUrl") },
  { operation: "AuthService_GetServerTime", name: "internal", own: timeCases("internalUrl") },
]);
