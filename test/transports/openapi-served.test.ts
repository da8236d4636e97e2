// OpenAPI documents as a running gateway serves them, and what they say of answers to no operation.

import { afterAll, beforeAll, expect, test } from "vitest";
import { signLogin } from "../../src/cli/sign.ts";
import { CUSTOMER_KEY, openGateway, postLogin, type TestGateway } from "../gateway.ts";
import { objectOf, readGenerated } from "./openapi.ts";

const documents = { public: readGenerated("public"), internal: readGenerated("internal") };

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway.close());

test("what is no operation's is documented as any other refusal", async () => {
  const login = (options: RequestInit): Promise<Response> => fetch(new URL("/auth/login", gateway.publicUrl), options);
  const { hold } = documents.public;
  const otherVerb = await login({ method: "DELETE" });
  expect(otherVerb.headers.get("Allow")).toContain("POST");
  expect(await hold(otherVerb, "AuthService_Login", "default")).toMatchObject({ reason: "method_not_allowed" });
  const otherPath = await fetch(new URL("/auth/logout", gateway.publicUrl));
  expect(await hold(otherPath, "AuthService_Login", "default")).toMatchObject({ reason: "not_found" });
  const overfull = await login({ method: "POST", headers: { "X-Long": "x".repeat(20_000) } });
  expect(overfull.status).toBe(431);
  expect(await hold(overfull, "AuthService_Login", "default")).toMatchObject({ reason: "malformed" });
});

test("a login without what the document requires is malformed", async () => {
  const { required, properties } = documents.public.at("/components/schemas/LoginRequest");
  const names = Object.values(objectOf(required)).map(String);
  expect(names.sort()).toEqual(Object.keys(objectOf(properties)).sort());
  const identity = { deviceKey: await gateway.enrol(), customerKey: CUSTOMER_KEY };
  const login = Object.entries(signLogin(identity, Math.floor(Date.now() / 1000)));
  for (const name of names) {
    const rest = Object.fromEntries(login.filter(([key]) => key !== name));
    expect(documents.public.mistakes("/components/schemas/LoginRequest", rest)).toContain(name);
    expect(await (await postLogin(gateway.publicUrl, rest)).json()).toMatchObject({ reason: "malformed", field: name });
  }
});

test.each([
  ["publicUrl", "public"],
  ["internalUrl", "internal"],
] as const)("%s serves the %s document", async (url, name) => {
  const response = await fetch(new URL("/openapi.json", gateway[url]));
  expect([response.status, response.headers.get("Content-Type")]).toEqual([200, "application/json"]);
  expect(await response.json()).toEqual(documents[name].json);
  const again = await fetch(new URL("/openapi.json", gateway[url]), {
    headers: { "If-None-Match": response.headers.get("ETag") ?? "" },
  });
  expect(again.status).toBe(304);
});
