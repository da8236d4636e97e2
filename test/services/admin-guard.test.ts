// The admin token, its role, and the actor in the audit log.

import type { DescMethod } from "@bufbuild/protobuf";
import { createContextValues } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuthError } from "../../src/core/errors.ts";
import type { OperatorToken, Role } from "../../src/core/registry/operators.ts";
import { createActorOf, createAdminGuard, isRead } from "../../src/services/admin-guard.ts";
import { TOKEN as ISSUED } from "../contracts/store-tokens.ts";

const TOKEN = "the-token";
const NEVER = { createdAt: undefined, expiresAt: undefined };
const SETTING: OperatorToken = { ...ISSUED, ...NEVER, name: "COUNTERSIGN_ADMIN_TOKEN", role: "admin" };
const ADA: OperatorToken = { ...SETTING, name: "ada", createdAt: 1, expiresAt: 2 };

function contextOf(headers: Record<string, string>, method: DescMethod = AdminService.method.listDevices) {
  return { requestHeader: new Headers(headers), values: createContextValues(), method };
}

function guardFor(token: OperatorToken) {
  const onlyFor = (known: string) => async (text: string) => {
    if (text === known) return token;
    throw new AuthError("invalid_admin_token", "this is another");
  };
  return createAdminGuard({ identify: onlyFor(TOKEN) }, { confirm: onlyFor("a-session") }, false);
}

const admit = (headers: Record<string, string>): Promise<void> => guardFor(SETTING)(contextOf(headers));
const REFUSED = { reason: "invalid_admin_token" };

/** The header of the dashboard's own page, which other sites cannot send. */
const OWN_PAGE = { "x-countersign-dashboard": "1" };
const SESSION = { cookie: "theme=dark; countersign-session=a-session" };

test.each([{ authorization: `Bearer ${TOKEN}` }, { authorization: `bearer  ${TOKEN}` }, { ...SESSION, ...OWN_PAGE }])(
  "the guard admits %j",
  async (headers) => {
    expect(await admit(headers)).toBeUndefined();
  },
);

test.each([
  {},
  { authorization: `Basic ${TOKEN}` },
  { authorization: "Bearer " },
  { authorization: "Bearer another" },
  { authorization: `Bearer ${TOKEN} ${TOKEN}` },
  { authorization: `Bearer ${TOKEN}, Bearer ${TOKEN}` },
  OWN_PAGE,
  SESSION,
  { ...OWN_PAGE, cookie: "countersign-session=another" },
  { ...OWN_PAGE, cookie: "__Host-countersign-session=a-session" },
  { ...OWN_PAGE, cookie: "countersign-session-2=a-session" },
  { ...OWN_PAGE, ...SESSION, authorization: "Bearer another" },
  { ...OWN_PAGE, ...SESSION, authorization: "Basic x" },
])("the guard refuses %j", async (headers) => {
  await expect(admit(headers)).rejects.toMatchObject(REFUSED);
});

test("the role read may call the methods that change nothing and show no secret", async () => {
  const allowed = AdminService.methods.filter(({ name }) => isRead(name)).map(({ name }) => name);
  expect(allowed).toEqual([
    "GetCustomer",
    "ListCustomers",
    "ListCustomerKeys",
    "GetCustomerKeyUsage",
    "GetDevice",
    "ListDevices",
    "CountDevices",
    "GetDeviceLimit",
    "ListSigningKeys",
    "ListOperatorTokens",
    "CreateSignInCode",
    "GetCallingOperator",
    "GetOverview",
    "ListAuditEvents",
    "ExplainLogin",
  ]);
  const call = (role: Role, method: DescMethod = AdminService.method.deriveDeviceKey): Promise<void> =>
    guardFor({ ...ADA, role })(contextOf({ authorization: `Bearer ${TOKEN}` }, method));
  await expect(call("read")).rejects.toMatchObject({ reason: "read_only" });
  await call("read", AdminService.method.getDevice);
  await call("admin");
});

const actorOf = createActorOf((_context: ReturnType<typeof contextOf>) => ({ address: "192.0.2.7", requestId: "r1" }));

test.each([
  ["", SETTING, ""],
  ["Ada L", SETTING, "Ada L"],
  ["x".repeat(100), SETTING, "x".repeat(100)],
  ["x".repeat(101), SETTING, ""],
  ["a\tb", SETTING, ""],
  ["ada  DeleteDevice", SETTING, ""],
  ["root@ops", ADA, "ada"],
])(
  "x-operator %j counts for a token of the settings, not for an issued one (%o): %j",
  async (claimed, token, operator) => {
    const context = contextOf({ authorization: `Bearer ${TOKEN}`, "x-operator": claimed });
    await guardFor(token)(context);
    expect(actorOf(context)).toEqual({ tokenId: token.tokenId, operator, address: "192.0.2.7", requestId: "r1" });
  },
);

test("the actor of a call that no guard admitted is a bug", () => {
  expect(() => actorOf(contextOf({}))).toThrow(TypeError);
});
