// One table of login cases over every protocol.

import { decodeJwt } from "jose";
import { afterAll, describe, expect, test } from "vitest";
import type { TestGateway } from "./gateway.ts";
import { type Answer, channels, type Session } from "./protocols/channels.ts";
import { loginCases, NOW, startCaseGateways } from "./protocols/login-cases.ts";

const SECONDS = NOW / 1000;
const gateways = await startCaseGateways(() => NOW);

// protocols/differential.test.ts checks that both listeners answer alike.
describe.each(channels)("$name", (channel) => {
  const sessions = new Map<TestGateway, Session>();
  afterAll(() => {
    for (const session of sessions.values()) session.close();
  });

  test.each(loginCases)("$name", async ({ on = "default", logins, expected }) => {
    const gateway = gateways[on];
    const session = sessions.get(gateway) ?? channel.open(gateway.publicUrl);
    sessions.set(gateway, session);
    let answer: Answer | undefined;
    for (const login of await logins(gateway)) answer = await session.send(login);
    expect(answer).toMatchObject(expected);
    // toMatchObject ignores additional members.
    if (expected.headers !== undefined) expect(answer?.headers).toEqual(expected.headers);
    if (expected.metadata !== undefined) expect(answer?.metadata).toEqual(expected.metadata);
    expect(answer?.message ?? "").not.toMatch(/[;/?:@&=+$,#]/);
    if (expected.outcome === "ok") {
      expect(decodeJwt(answer?.token ?? "")).toMatchObject({ aud: "devices", iat: SECONDS, exp: SECONDS + 600 });
    }
  });
});
