// requireToken in each framework: one table of accepted and refused requests.

import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { describe, expect, onTestFinished, test } from "vitest";
import { ErrorInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/es/google/rpc/status_pb.ts";
import { createVerifier, type Verifier } from "../../src/verify/exports.ts";
import type { RequireTokenOptions } from "../../src/verify/require-token.ts";
import { goodToken } from "../vectors/forge.ts";
import { NOW, newMint, tokenWith } from "./issuer.ts";
import type { Answer, Service } from "./service.ts";
import { FRAMEWORKS, type Framework } from "./services.ts";
import { startIssuer } from "./start-issuer.ts";

const mint = newMint("key-1");
const expired = tokenWith(mint, { iat: 1, exp: 2 });
const wrong = tokenWith(mint, { aud: "another" });

async function startVerifier(): Promise<Verifier> {
  const { url } = await startIssuer(mint);
  return createVerifier({ issuer: mint.issuer, audience: mint.audience, jwksUrl: url, now: () => NOW });
}

async function start(framework: Framework, options?: RequireTokenOptions, verifier?: Verifier): Promise<Service> {
  const service = await framework.start(verifier ?? (await startVerifier()), options);
  onTestFinished(async () => void (await service.close()));
  return service;
}

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

describe.each(FRAMEWORKS)("$name", (framework) => {
  test("a good token in x-access-token passes, and the handler has its identity", async () => {
    const { ask } = await start(framework);
    expect((await ask({ "x-access-token": goodToken(mint) })).deviceKey).toBe("sensor-1");
  });

  test("bad tokens are rejected, each with its reason and its cure", async () => {
    const { ask } = await start(framework);
    const error = ', error="invalid_token"';
    for (const [headers, reason, challenge, message] of [
      [{}, "missing", "", /^no token was sent/],
      [{ "x-access-token": expired }, "expired", error, /^the token has expired/],
      [{ "x-access-token": wrong }, "invalid", error, /^the token is not valid here because its claim aud/],
      [{ "x-access-token": `${goodToken(mint)}, ${goodToken(mint)}` }, "invalid", error, /three parts/],
      [{ authorization: `Bearer ${goodToken(mint)}` }, "missing", "", /x-access-token/],
    ] as const) {
      const answer = await ask(headers);
      expect([answer.deviceKey, answer.status]).toEqual([undefined, framework.unauthenticated]);
      expect(reasonOf(answer)).toBe(reason);
      expect(answer.headers["www-authenticate"]).toBe(`Bearer realm="countersign"${challenge}`);
      expect(Object(answer.body).message).toMatch(message);
      if (framework.unauthenticated === 401) {
        expect(answer.headers["content-type"]).toMatch(/^application\/json\b/);
        expect(Object.keys(Object(answer.body))).toEqual(["code", "reason", "message"]);
      }
    }
  });

  test("Authorization: Bearer is read with the option, after x-access-token", async () => {
    const { ask } = await start(framework, { authorization: true });
    expect((await ask({ authorization: `bearer ${goodToken(mint)}` })).deviceKey).toBe("sensor-1");
    const both = await ask({ authorization: `Bearer ${goodToken(mint)}`, "x-access-token": expired });
    expect(reasonOf(both)).toBe("expired");
  });

  test("onError gets every rejection with its cause, and may throw", async () => {
    const told: [string, unknown][] = [];
    const { ask } = await start(framework, {
      onError({ reason, cause }) {
        told.push([reason, cause instanceof Error ? cause.message : cause]);
        if (reason === "missing") return Promise.reject(new Error("the log is away"));
        throw new Error("the log is full");
      },
    });
    const sent = [
      {},
      { "x-access-token": expired },
      { "x-access-token": wrong },
      { "x-access-token": goodToken(mint) },
    ];
    const statuses: number[] = [];
    for (const headers of sent) statuses.push((await ask(headers)).status);
    const { unauthenticated } = framework;
    expect(statuses.slice(0, 3)).toEqual([unauthenticated, unauthenticated, unauthenticated]);
    expect(statuses[3]).not.toBe(unauthenticated);
    expect(told).toEqual([
      ["missing", undefined],
      ["expired", undefined],
      ["invalid", expect.stringContaining(mint.audience)],
    ]);
  });

  test("without the issuer's keys the answer is unavailable, with Retry-After", async () => {
    const issuer = await startIssuer(mint);
    await issuer.stop();
    const { issuer: name, audience } = mint;
    const verifier = createVerifier({ issuer: name, audience, jwksUrl: issuer.url, now: () => NOW });
    const { ask } = await start(framework, undefined, verifier);
    const answer = await ask({ "x-access-token": goodToken(mint) });
    expect([answer.deviceKey, answer.status]).toEqual([undefined, framework.unavailable]);
    expect(answer.headers["retry-after"]).toBe("1");
    if (framework.unavailable === 503) {
      expect(answer.body).toMatchObject({ code: "unavailable", reason: "unavailable", retry_after: 1 });
    }
  });
});
