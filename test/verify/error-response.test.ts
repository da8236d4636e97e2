// Functions for other frameworks: the request's token and the error's form.

import { expect, test } from "vitest";
import { keysUnavailable, tokenExpired, tokenMissing, type VerifyError } from "../../src/verify/errors.ts";
import { errorResponse, type SentHeaders, tokenOf } from "../../src/verify/exports.ts";
import { checkRequest } from "../../src/verify/require-token.ts";

test.each<[string, SentHeaders, string | undefined]>([
  ["Fetch's headers", new Headers({ "X-Access-Token": "a" }), "a"],
  ["Fetch's headers without a token", new Headers({ authorization: "Bearer a" }), undefined],
  ["a get that gives an empty text", { get: () => "" }, undefined],
  ["node:http's", { host: "a.example", "x-access-token": "a" }, "a"],
  ["AWS Lambda's, in their spelling", { "X-Access-TOKEN": "a" }, "a"],
  ["a list", { "x-access-token": ["a", "b"] }, "a, b"],
  ["one header in two spellings", { "X-Access-Token": "a", "x-access-token": "b" }, "a, b"],
  ["a header whose name is get", { get: "b", "x-access-token": "a" }, "a"],
  ["an undefined header", { "x-access-token": undefined }, undefined],
  ["no headers", {}, undefined],
  ["a prototype's", Object.create({ "x-access-token": "a" }), undefined],
])("a token in %s", (_what, headers, token) => {
  expect(tokenOf(headers)).toBe(token);
});

test("Authorization is read with the option, if there is no other token", () => {
  const authorization = "bEaReR  a";
  expect(tokenOf({ authorization })).toBeUndefined();
  expect(tokenOf({ Authorization: authorization }, { authorization: true })).toBe("a");
  expect(tokenOf({ authorization, "x-access-token": "b" }, { authorization: true })).toBe("b");
  expect(tokenOf({ authorization: "Basic a" }, { authorization: true })).toBeUndefined();
});

test("an error has a status, headers and a body", () => {
  expect(errorResponse(tokenMissing())).toEqual({
    status: 401,
    headers: { "Content-Type": "application/json", "WWW-Authenticate": 'Bearer realm="countersign"' },
    body: JSON.stringify({ code: "unauthenticated", reason: "missing", message: tokenMissing().message }),
  });
  expect(errorResponse(tokenExpired()).headers["WWW-Authenticate"]).toBe(
    'Bearer realm="countersign", error="invalid_token"',
  );
});

test.each([
  [-5, 1, 1],
  [1_000, 1_000, 1],
  [1_001, 1_001, 2],
])("a wait of %d ms is %d ms, and over HTTP %d s", (waitMs, retryAfterMs, seconds) => {
  const error = keysUnavailable(waitMs, undefined);
  expect(error.retryAfterMs).toBe(retryAfterMs);
  const { status, headers, body } = errorResponse(error);
  expect([status, headers["Retry-After"], JSON.parse(body).retry_after]).toEqual([503, String(seconds), seconds]);
});

test.for<(error: VerifyError) => unknown>([
  () => Promise.reject(new Error("the log is away")),
  () => {
    throw new Error("the log is full");
  },
])("a service's log that fails leaves the answer as it is: %s", async (onError) => {
  const error = tokenExpired();
  const verifier = { verify: () => Promise.reject(error) };
  expect(await checkRequest(verifier, {}, {}, { onError })).toBe(error);
});
