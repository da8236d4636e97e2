// Commands that revoke tokens: one, a device's, a customer's.

import { afterAll, beforeAll, expect, test } from "vitest";
import { CUSTOMER_KEY, logInBy } from "../gateway.ts";
import { type Operator, openOperator } from "./operator.ts";

let operator: Operator;
beforeAll(async () => {
  operator = await openOperator();
});
afterAll(() => operator.gateway.close());

test("tokens are revoked by jti, by the token itself, by device and by customer", async () => {
  const { gateway } = operator;
  const { publicUrl, customerId } = gateway;
  const deviceKey = await gateway.enrol();
  const logIn = async (): Promise<string> => {
    const { token } = JSON.parse(await (await logInBy(publicUrl, { deviceKey, customerKey: CUSTOMER_KEY })).text());
    return token;
  };
  const reasonOf = async (token: string): Promise<string> => {
    const answer = await fetch(`${publicUrl}/auth/check`, { headers: { "x-access-token": token } });
    return answer.ok ? "good" : JSON.parse(await answer.text()).reason;
  };
  const jtiOf = (token: string): string =>
    JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()).jti;

  const first = await logIn();
  const revoked = await operator.operate(["tokens", "revoke", jtiOf(first)]);
  expect(revoked.stdout).toBe(
    `the token with jti ${jtiOf(first)}, if there is one, is revoked: services that check them at a gateway refuse them from now on, those that check them by themselves accept them until they expire\n`,
  );
  expect(await reasonOf(first)).toBe("revoked");

  const second = await logIn();
  const { stdout } = await operator.operate(["tokens", "revoke", "-", "--json"], { input: `${second}\n` });
  expect(JSON.parse(stdout)).toEqual({ jti: jtiOf(second), expire_time: expect.any(String) });
  expect(await reasonOf(second)).toBe("revoked");

  const third = await logIn();
  expect(await reasonOf(third)).toBe("good");
  await operator.operate(["devices", "revoke-tokens", deviceKey]);
  expect(await reasonOf(third)).toBe("revoked");

  const fourth = await logIn();
  const customer = await operator.operate(["customers", "revoke-tokens", customerId, "--json"]);
  expect(JSON.parse(customer.stdout)).toMatchObject({ tokens_not_before: expect.any(String) });
  expect(await reasonOf(fourth)).toBe("revoked");
});

test("revoke refuses anything but a jti or a token, and repeats no token", async () => {
  const { status, stderr } = await operator.operate(["tokens", "revoke", "-"], { input: "a.c2VjcmV0.b" });
  expect(status).toBe(2);
  expect(stderr).toMatch(/^countersign: standard input holds no token with a jti/);
  expect(stderr).not.toContain("c2VjcmV0");
  const whole = await operator.operate(["tokens", "revoke", "a.c2VjcmV0.b"]);
  expect([whole.status, whole.stderr.includes("c2VjcmV0")]).toEqual([2, false]);
  for (const name of ["no jti", "pump-7", "a".repeat(21)]) {
    expect((await operator.operate(["tokens", "revoke", name])).stderr).toContain("jti is no name of a token");
  }
  // A jti may begin with a hyphen.
  expect(await operator.operate(["tokens", "revoke", "-h4J5k6L7m8N9p0Q1r2s"])).toMatchObject({ status: 0, stderr: "" });
});
