// RFC 7662 at the internal listener: its members, and its errors.

import { afterAll, beforeAll, expect, test } from "vitest";
import { CUSTOMER_KEY, logInBy, openGateway, type TestGateway } from "../gateway.ts";

const NOW = 1_764_000_000_000;
let gateway: TestGateway;

beforeAll(async () => {
  gateway = await openGateway({ TOKEN_ALG: "ES256" }, { now: () => NOW });
});
afterAll(() => gateway.close());

const post = (body: string | URLSearchParams, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${gateway.internalUrl}/oauth2/introspect`, { method: "POST", body, headers });

test("has the members of RFC 7662, times as numbers", async () => {
  const deviceKey = await gateway.enrol();
  const login = await logInBy(gateway.publicUrl, { deviceKey, customerKey: CUSTOMER_KEY }, NOW / 1000);
  const { token } = JSON.parse(await login.text());
  const answer = await post(new URLSearchParams({ token }));
  expect(answer.headers.get("content-type")).toBe("application/json");
  expect(JSON.parse(await answer.text())).toEqual({
    active: true,
    iss: "https://login.example",
    sub: deviceKey,
    aud: "devices",
    iat: NOW / 1000,
    exp: NOW / 1000 + 600,
    jti: expect.stringMatching(/^[\w-]{20}$/),
    customer_id: gateway.customerId,
  });
});

test("tells nothing about an inactive token", async () => {
  expect(await (await post(new URLSearchParams({ token: "x" }))).text()).toBe('{"active":false}');
});

test("names the mistake in a request", async () => {
  const answer = await post(new URLSearchParams({ tokens: "x" }));
  expect(answer.status).toBe(400);
  expect(JSON.parse(await answer.text())).toMatchObject({ reason: "malformed", message: "token is missing" });
  expect((await post(new URLSearchParams("token=a&token=b"))).status).toBe(400);
  expect((await post("{}", { "Content-Type": "application/json" })).status).toBe(415);
  expect((await post(`token=${"x".repeat(20_000)}`)).status).toBe(413);
});
