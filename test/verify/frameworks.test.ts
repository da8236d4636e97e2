// requireToken in each framework: one table of accepted and refused requests.

import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { ErrorInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/es/google/rpc/status_pb.ts";
import { validToken } from "../vectors/forge.ts";
import { newMint, startIssuer, tokenWith, verifierOf } from "./issuer.ts";
import { type Answer, FRAMEWORKS } from "./services.ts";

const mint = newMint("key-1");
const valid = validToken(mint);
const expired = tokenWith(mint, { iat: 1, exp: 2 });
const wrong = tokenWith(mint, { aud: "another" });

/** The reason that an error carries: in its JSON, or as google.rpc.ErrorInfo. */
function reasonOf({ body }: Answer): string | undefined {
  const { reason, details } = Object(body);
  if (reason !== undefined) return reason;
  const [detail] = details ?? [];
  if (detail instanceof Uint8Array) {
    const status = fromBinary(StatusSchema, detail);
    expect(status).toMatchObject({ code: 16, message: Object(body).message });
    return anyUnpack(status.details[0] ?? expect.fail("no detail"), ErrorInfoSchema)?.reason;
  }
  expect(detail?.type).toBe("google.rpc.ErrorInfo");
  const info = fromBinary(ErrorInfoSchema, detail.value);
  expect(info.domain).toBe("countersign");
  return info.reason;
}

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
      expect(reasonOf(answer)).toBe(reason);
      expect(answer.headers["www-authenticate"]).toBe(`Bearer realm="countersign"${challenge}`);
      expect(Object(answer.body).message).toMatch(message);
      if (unauthenticated === 401) {
        expect(answer.headers["content-type"]).toMatch(/^application\/json\b/);
        expect(Object.keys(Object(answer.body))).toEqual(["code", "reason", "message"]);
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
    expect(answer.headers["retry-after"]).toBe("1");
    if (unavailable === 503) {
      expect(answer.body).toMatchObject({ code: "unavailable", reason: "unavailable", retry_after: 1 });
    }
  });
});
