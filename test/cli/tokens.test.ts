// `countersign tokens` and `customers revoke-tokens`.

import { expect, test } from "vitest";
import { CUSTOMER_KEY, logInBy } from "../gateway.ts";
import { startFileOperator } from "./operator.ts";

const operator = await startFileOperator();

const ADVICE =
  "services that ask a gateway refuse them at once, services that verify tokens themselves accept them until they expire";

test("a token is revoked by its jti, by the token on standard input, and by its customer", async () => {
  const { publicUrl, customerId, enrol } = operator.gateway;
  const login = { deviceKey: await enrol(), customerKey: CUSTOMER_KEY };
  const { token } = JSON.parse(await (await logInBy(publicUrl, login)).text());
  const { jti } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
  const named = await operator.operate(["tokens", "revoke", jti]);
  expect(named.stdout).toBe(`any token with jti ${jti} is revoked: ${ADVICE}\n`);
  const read = await operator.operate(["tokens", "revoke", "-", "--json"], { input: `${token}\n` });
  expect(JSON.parse(read.stdout)).toEqual({ jti, expire_time: expect.any(String) });
  const ofCustomer = await operator.operate(["customers", "revoke-tokens", customerId]);
  expect(ofCustomer.stdout).toBe(
    `the tokens issued to devices of customer ${customerId} until now are revoked: ${ADVICE}\n`,
  );
});

test("revoke takes only a jti or a token, and repeats no token", async () => {
  const { status, stderr } = await operator.operate(["tokens", "revoke", "-"], { input: "a.c2VjcmV0.b" });
  expect(status).toBe(2);
  expect(stderr).toMatch(/^countersign: standard input holds no token with a jti/);
  expect(stderr).not.toContain("c2VjcmV0");
  const whole = await operator.operate(["tokens", "revoke", "a.c2VjcmV0.b"]);
  expect([whole.status, whole.stderr.includes("c2VjcmV0")]).toEqual([2, false]);
  for (const name of ["no jti", "pump-7", "a".repeat(21)]) {
    expect((await operator.operate(["tokens", "revoke", name])).stderr).toContain("jti is not a token id");
  }
  // A jti may begin with a hyphen.
  expect(await operator.operate(["tokens", "revoke", "-h4J5k6L7m8N9p0Q1r2s"])).toMatchObject({ status: 0, stderr: "" });
});
