// requireToken in each framework: one table of accepted and refused requests.

import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { ErrorInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/es/google/rpc/status_pb.ts";
import type { RequireTokenOptions } from "../../src/verify/require-token.ts";
import { validToken } from "../vectors/forge.ts";
import { newMint, startIssuer, tokenWith, verifierOf } from "./issuer.ts";
import { type Answer, FRAMEWORKS } from "./services.ts";

const mint = newMint("key-1");
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
  const startService = async (options?: RequireTokenOptions) =>
    start(verifierOf(await startIssuer(mint), mint), options);

  test("a valid token in x-access-token passes, and the handler has its identity", async () => {
    const ask = await startService();
    expect((await ask({ "x-access-token": validToken(mint) })).deviceKey).toBe("sensor-1");
  });

  test("invalid tokens are rejected, each with its reason and its cure", async () => {
    const ask = await startService();
    const error = ', error="invalid_token"';
    for (const [headers, reason, challenge, message] of [
      [{}, "missing", "", /^no token was sent/],
      [{ "x-access-token": expired }, "expired", error, /^the token has expired/],
      [{ "x-access-token": wrong }, "invalid", error, /^the token is not valid here because its claim aud/],
      [{ "x-access-token": `${validToken(mint)}, ${validToken(mint)}` }, "invalid", error, /three parts/],
      [{ authorization: `Bearer ${validToken(mint)}` }, "missing", "", /x-access-token/],
    ] as const) {
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
  });

  test("Authorization: Bearer is read with the option, after x-access-token", async () => {
    const ask = await startService({ authorization: true });
    expect((await ask({ authorization: `bearer ${validToken(mint)}` })).deviceKey).toBe("sensor-1");
    const both = await ask({ authorization: `Bearer ${validToken(mint)}`, "x-access-token": expired });
    expect(reasonOf(both)).toBe("expired");
  });

  test("onError gets every rejection with its cause, and may throw", async () => {
    const reported: [string, unknown][] = [];
    const ask = await startService({
      onError({ reason, cause }) {
        reported.push([reason, cause instanceof Error ? cause.message : cause]);
        if (reason === "missing") return Promise.reject(new Error("the log is away"));
        throw new Error("the log is full");
      },
    });
    const sent = [
      {},
      { "x-access-token": expired },
      { "x-access-token": wrong },
      { "x-access-token": validToken(mint) },
    ];
    const statuses: number[] = [];
    for (const headers of sent) statuses.push((await ask(headers)).status);
    expect(statuses.slice(0, 3)).toEqual([unauthenticated, unauthenticated, unauthenticated]);
    expect(statuses[3]).not.toBe(unauthenticated);
    expect(reported).toEqual([
      ["missing", undefined],
      ["expired", undefined],
      ["invalid", expect.stringContaining(mint.audience)],
    ]);
  });

  test("without the issuer's keys the answer is unavailable, with Retry-After", async () => {
    const issuer = await startIssuer(mint);
    await issuer.stop();
    const ask = await start(verifierOf(issuer, mint));
    const answer = await ask({ "x-access-token": validToken(mint) });
    expect([answer.deviceKey, answer.status]).toEqual([undefined, unavailable]);
    expect(answer.headers["retry-after"]).toBe("1");
    if (unavailable === 503) {
      expect(answer.body).toMatchObject({ code: "unavailable", reason: "unavailable", retry_after: 1 });
    }
  });
});
