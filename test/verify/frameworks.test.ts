// requireToken in each framework: one table of accepted and refused requests.

import { describe, expect, test } from "vitest";
import { validToken } from "../vectors/forge.ts";
import { newMint, startIssuer, tokenWith, verifierOf } from "./issuer.ts";
import { FRAMEWORKS } from "./services.ts";

const mint = newMint("key-1");
const valid = validToken(mint);
const expired = tokenWith(mint, { iat: 1, exp: 2 });
const wrong = tokenWith(mint, { aud: "another" });

describe.each(FRAMEWORKS)("$name", ({ start, unauthenticated, unavailable }) => {
  test("a valid token passes with its identity; each other one is rejected and reported with its reason", async () => {
    const reported: string[] = [];
    const options = { authorization: true, onError: ({ reason }: { reason: string }) => reported.push(reason) };
    const ask = await start(verifierOf(await startIssuer(mint), mint), options);
    for (const headers of [{ "x-access-token": valid }, { authorization: `bearer ${valid}` }]) {
      expect((await ask(headers)).deviceKey).toBe("sensor-1");
    }
    const error = ', error="invalid_token"';
    const cases = [
      [{}, "missing", "", /^no token was sent/],
      [{ "x-access-token": expired, authorization: `Bearer ${valid}` }, "expired", error, /^the token has expired/],
      [{ "x-access-token": wrong }, "invalid", error, /^the token is not valid here because its claim aud/],
      [{ "x-access-token": `${valid}, ${valid}` }, "invalid", error, /three parts/],
    ] as const;
    for (const [headers, reason, challenge, message] of cases) {
      const answer = await ask(headers);
      expect([answer.deviceKey, answer.status]).toEqual([undefined, unauthenticated]);
      expect(answer.header("www-authenticate")).toBe(`Bearer realm="countersign"${challenge}`);
      expect(answer.body).toMatchObject({ reason, message: expect.stringMatching(message) });
      if (unauthenticated === 401) {
        expect(answer.header("content-type")).toMatch(/^application\/json\b/);
        expect(Object.keys(Object(answer.body))).toEqual(["code", "reason", "message"]);
      } else {
        expect(answer.body).toMatchObject({ domain: "countersign" });
      }
    }
    expect(reported).toEqual(cases.map(([, reason]) => reason));
  });

  test("without the issuer's keys the answer is unavailable, with Retry-After", async () => {
    const issuer = await startIssuer(mint);
    await issuer.stop();
    const ask = await start(verifierOf(issuer, mint));
    const answer = await ask({ "x-access-token": valid });
    expect([answer.deviceKey, answer.status]).toEqual([undefined, unavailable]);
    expect(answer.header("retry-after")).toBe("1");
    if (unavailable === 503) {
      expect(answer.body).toMatchObject({ code: "unavailable", reason: "unavailable", retry_after: 1 });
    }
  });
});
