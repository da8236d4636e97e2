// Answers of a running gateway against its OpenAPI documents: every kind that is documented comes, and no other.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type SignedLogin, signLogin } from "../../src/cli/sign.ts";
import { ADMIN_TOKEN, CUSTOMER_KEY, openGateway, postLogin, type TestGateway } from "../gateway.ts";
import { type OpenapiDocument, objectOf, readGenerated } from "./openapi.ts";

const NOW = 1_764_000_000_000;
const SECONDS = NOW / 1000;

const documents = { public: readGenerated("public"), internal: readGenerated("internal") };

let broken = false;
let usual: TestGateway;
let strict: TestGateway;
let away: TestGateway;

beforeAll(async () => {
  const now = (): number => {
    if (broken) throw new Error("a bug");
    return NOW;
  };
  usual = await openGateway({ ADDRESS_LIMIT: "off" }, { now });
  strict = await openGateway({ ADDRESS_LIMIT: "1/60s" }, { now });
  away = await openGateway({ REDIS_URL: "redis://127.0.0.1:1", REDIS_DOWN: "deny" }, { now });
});
afterAll(async () => {
  for (const gateway of [usual, strict, away]) await gateway.close();
});

/** Asks while the gateway has a bug. */
async function whileBroken(ask: () => Promise<Response>): Promise<Response> {
  broken = true;
  try {
    return await ask();
  } finally {
    broken = false;
  }
}

function sign(deviceKey: string, timestamp = SECONDS, customerKey = CUSTOMER_KEY): SignedLogin {
  return signLogin({ deviceKey, customerKey }, timestamp);
}

/** The answer to the last of so many logins. */
async function repeat(times: number, url: string, body: unknown): Promise<Response> {
  for (let sent = 1; sent < times; sent++) await (await postLogin(url, body)).text();
  return postLogin(url, body);
}

interface Asking {
  readonly body?: unknown;
  readonly token?: string;
  readonly type?: string;
}

/** Asks the internal listener as an operator. */
function operate(path: string, { body, token = ADMIN_TOKEN, type = "application/json" }: Asking): Promise<Response> {
  return fetch(new URL(path, usual.internalUrl), {
    method: "POST",
    headers: { "Content-Type": type, Authorization: `Bearer ${token}` },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

type Case = readonly [outcome: string, ask: () => Promise<Response>];

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
    ["internal", () => whileBroken(() => post(sign("pump-7")))],
  ];
};

const timeCases = (url: "publicUrl" | "internalUrl"): readonly Case[] => [
  ["ok", () => fetch(new URL("/auth/time", usual[url]))],
  ["malformed", () => fetch(`${usual[url]}/auth/time?%zz=1`)],
  ["internal", () => whileBroken(() => fetch(new URL("/auth/time", usual[url])))],
];

const customers = (asking: Asking): Promise<Response> => operate("/v1/customers", asking);
const devices = (asking: Asking, customer = usual.customerId): Promise<Response> =>
  operate(`/v1/customers/${customer}/devices`, asking);
const keys = (asking: Asking, customer = usual.customerId): Promise<Response> =>
  operate(`/v1/customers/${customer}/keys:issue`, asking);

/** What REST and the guard refuse of every operator's call. */
const refusedToAll = (ask: (asking: Asking) => Promise<Response>): readonly Case[] => [
  ["ok", () => ask({ body: {} })],
  ["invalid_admin_token", () => ask({ body: {}, token: "another" })],
  ["malformed", () => ask({ body: "{" })],
  ["too_large", () => ask({ body: "x".repeat(5_000) })],
  ["unsupported_media_type", () => ask({ body: {}, type: "text/plain" })],
  ["internal", () => whileBroken(() => ask({ body: {} }))],
];

const cases: readonly {
  readonly operation: string;
  readonly name: "public" | "internal";
  readonly own: readonly Case[];
}[] = [
  { operation: "AuthService_Login", name: "public", own: loginCases("publicUrl") },
  { operation: "AuthService_Login", name: "internal", own: loginCases("internalUrl") },
  { operation: "AuthService_GetServerTime", name: "public", own: timeCases("publicUrl") },
  { operation: "AuthService_GetServerTime", name: "internal", own: timeCases("internalUrl") },
  {
    operation: "AdminService_CreateCustomer",
    name: "internal",
    own: [
      ...refusedToAll(customers),
      ["ok", () => customers({ body: { display_name: "Acme", status: "STATUS_DISABLED" } })],
      ["malformed", () => customers({ body: { display_name: "x".repeat(201) } })],
    ],
  },
  {
    operation: "AdminService_CreateDevice",
    name: "internal",
    own: [
      ...refusedToAll(devices),
      ["ok", () => devices({ body: { device_key: "taken", key_mode: "KEY_MODE_DERIVED" } })],
      ["already_exists", () => devices({ body: { device_key: "taken" } })],
      ["does_not_exist", () => devices({ body: {} }, "nobody")],
    ],
  },
  {
    operation: "AdminService_IssueCustomerKey",
    name: "internal",
    own: [
      ...refusedToAll(keys),
      ["ok", () => keys({ body: { purpose: "KEY_PURPOSE_DERIVATION", imported_key: "short" } })],
      ["does_not_exist", () => keys({ body: {} }, "nobody")],
      ["ok", () => keys({ body: {} })],
      ["failed_precondition", () => keys({ body: {} })],
    ],
  },
];

describe.each(cases)("$operation of the $name document", ({ operation, name, own }) => {
  const document: OpenapiDocument = documents[name];

  test.each(own)("%s", async (outcome, ask) => {
    const { reason = "ok" } = await document.hold(await ask(), operation);
    expect(reason).toBe(outcome);
  });

  test("nothing else is documented", () => {
    const { pointer = "" } = document.operations.find(({ id }) => id === operation) ?? {};
    const documented = Object.entries(objectOf(document.at(pointer)["responses"])).flatMap(([status]) => {
      if (status === "200" || status === "default") return [];
      const { enum: reasons } = document.at(
        `${pointer}/responses/${status}/content/application~1json/schema/allOf/1/properties/reason`,
      );
      return Object.values(objectOf(reasons));
    });
    expect(["ok", ...documented].sort()).toEqual([...new Set(own.map(([outcome]) => outcome))].sort());
  });
});
