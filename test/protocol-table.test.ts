// One table of login cases over every protocol.

import { decodeJwt } from "jose";
import { afterAll, describe, expect, test } from "vitest";
import { GATEWAY } from "../src/core/registry/ports.ts";
import type { TestGateway } from "./gateway.ts";
import { type Answer, channels, type Session } from "./protocols/channels.ts";
import { type HandAnswer, sendByHand } from "./protocols/hand.ts";
import { loginCases, makeLogins, NOW, sign, startCaseGateways } from "./protocols/login-cases.ts";

const SECONDS = NOW / 1000;
const gateways = await startCaseGateways(() => NOW);

// protocols/differential.test.ts checks that both listeners answer alike.
describe.each(channels)("$name", (channel) => {
  const sessions = new Map<TestGateway, Session>();
  afterAll(() => {
    for (const session of sessions.values()) session.close();
  });

  test.each(loginCases)("$name", async (login) => {
    const { on = "default", expected } = login;
    const gateway = gateways[on];
    const session = sessions.get(gateway) ?? channel.open(gateway.publicUrl);
    sessions.set(gateway, session);
    let answer: Answer | undefined;
    for (const fields of await makeLogins(login, gateway)) answer = await session.send(fields);
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

/** A whole answer, headers and trailers in their order, without the date and the request id. */
function written({ status, headers, trailers, body }: HandAnswer): string {
  const fields = [...Object.entries(headers), ...Object.entries(trailers)];
  const fixed = fields.filter(([name]) => !/^(date|x-request-id)$/.test(name));
  return [status, ...fixed.map(([name, value]) => `${name}: ${value}`), body.toString("latin1")].join("\n");
}

// core/login.test.ts compares the errors, which every protocol renders.
test("an unknown device and a wrong proof of any device get the same bytes, at the first login and later", async () => {
  const { registry, enrol, publicUrl } = gateways.default;
  const { customerId } = await registry.customers.create({ customerId: "" }, GATEWAY);
  await registry.customerKeys.issue({ customerId, purpose: "derivation", importedKey: "" }, GATEWAY);
  const names = [
    "the-unknown-one",
    await enrol({ deviceKey: "the-shared-one" }),
    await enrol({ deviceKey: "the-disabled-1", status: "disabled" }),
    await enrol({ deviceKey: "the-derived-one", keyMode: "derived", customerId }),
  ];
  const headers = { "content-type": "application/json" };
  for (const time of ["first", "again"]) {
    const answers: string[] = [];
    for (const name of names) {
      const body = Buffer.from(JSON.stringify(sign(name, SECONDS, "not its key at all")));
      answers.push(written(await sendByHand(publicUrl, { version: 1, path: "/auth/login", headers, body })));
    }
    expect(answers[0], time).toContain("invalid_credentials");
    expect(answers, time).toEqual(answers.map(() => answers[0]));
  }
});
