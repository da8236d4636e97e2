// A verifier gives a valid token's identity and rejects every other token.

import { describe, expect, test, vi } from "vitest";
import { TOKEN_ALGS } from "../../src/core/tokens/algorithms.ts";
import { createVerifier, errorResponse, type VerifierOptions, VerifyError } from "../../src/verify/exports.ts";
import { CUSTOMER_KEY, logInBy, startTestGateway } from "../gateway.ts";
import { claimsOf, headerOf, type Mint, signed, validToken } from "../vectors/forge.ts";
import { findMisjudged, hostileTokens } from "../vectors/hostile-tokens.ts";
import { NOW, newMint, outcomeOf, startIssuer, tokenWith, verifierOf } from "./issuer.ts";

/** A verifier and its issuer. */
async function open(mint: Mint, options: Partial<VerifierOptions> = {}) {
  return verifierOf(await startIssuer(mint), mint, options);
}

describe.each(TOKEN_ALGS)("%s", (alg) => {
  const mint = newMint("key-1", alg);

  test("a valid token gives its identity", async () => {
    const identity = await (await open(mint)).verify(validToken(mint));
    expect(identity).toEqual({
      deviceKey: "sensor-1",
      customerId: "c-1",
      jti: claimsOf(mint)["jti"],
      issuedAt: new Date(NOW),
      expiresAt: new Date(NOW + 600_000),
    });
    expect(Object.isFrozen(identity)).toBe(true);
  });

  test("a token of a login has the device and its customer", async () => {
    const { publicUrl, customerId, enrol } = await startTestGateway({ TOKEN_ALG: alg });
    const deviceKey = await enrol();
    const { token } = Object(await (await logInBy(publicUrl, { deviceKey, customerKey: CUSTOMER_KEY })).json());
    const jwksUrl = `${publicUrl}/.well-known/jwks.json`;
    const verifier = createVerifier({ issuer: "https://login.example", audience: "devices", jwksUrl });
    expect(await verifier.verify(token)).toMatchObject({ deviceKey, customerId });
  });

  test("rejects every token of the hostile corpus, with its reason", async () => {
    const verifier = await open(mint);
    expect(await outcomeOf(verifier, validToken(mint))).toBe("sensor-1");
    expect(await findMisjudged(mint, (token) => outcomeOf(verifier, token))).toEqual([]);
  });
});

const mint = newMint("key-1");
const at = (seconds: number): number => NOW / 1000 + seconds;

test.each<[object, string, string]>([
  [{ iat: at(-600), exp: at(1) }, "sensor-1", "sensor-1"],
  [{ iat: at(-600), exp: at(0) }, "sensor-1", "expired"],
  [{ iat: at(-600), exp: at(-4) }, "sensor-1", "expired"],
  [{ iat: at(-600), exp: at(-5) }, "expired", "expired"],
  [{ nbf: at(0) }, "sensor-1", "sensor-1"],
  [{ nbf: at(5) }, "sensor-1", "invalid"],
  [{ nbf: at(6) }, "invalid", "invalid"],
  [{ iat: at(300) }, "sensor-1", "sensor-1"],
  [{ iat: at(301) }, "invalid", "invalid"],
  [{ iat: at(0), exp: at(0) }, "invalid", "expired"],
  [{ iat: at(0), exp: at(86_401) }, "invalid", "invalid"],
])("with the claims %o the outcome is %s by default, and %s without tolerance", async (changes, tolerant, exact) => {
  const token = tokenWith(mint, changes);
  expect(await outcomeOf(await open(mint), token)).toBe(tolerant);
  expect(await outcomeOf(await open(mint, { clockToleranceMs: 0 }), token)).toBe(exact);
});

test.each(["jwt", "at+jwt", "application/at+jwt"])(
  "accepts the type %s, and members that it does not know",
  async (typ) => {
    const header = { ...headerOf(mint), typ, "x-note": [1] };
    const token = signed(mint, header, { ...claimsOf(mint), groups: [{ a: 1 }, { a: 2 }] });
    expect(await outcomeOf(await open(mint), token)).toBe("sensor-1");
  },
);

test("a value that is not a string is invalid, as JavaScript callers may pass it", async () => {
  const verifier = await open(mint);
  const valid = validToken(mint);
  for (const token of [0, 1, true, {}, [], [valid], new String(valid), Symbol("token"), () => ""]) {
    expect(await Reflect.apply(outcomeOf, undefined, [verifier, token])).toBe("invalid");
  }
});

test("without a token the reason is `missing`; each message has the cure and repeats no token", async () => {
  const verifier = await open(mint);
  for (const token of [undefined, null, ""]) {
    await expect(verifier.verify(token)).rejects.toMatchObject({ reason: "missing", message: /x-access-token/ });
  }
  for (const { token } of [...hostileTokens(mint), { token: tokenWith(mint, { iat: 1, exp: 2 }) }]) {
    const { message, stack } = await verifier.verify(token).then(
      () => expect.fail("accepted"),
      (error: Error) => error,
    );
    expect(message).toMatch(/^the token [^;/?:@&=+$,#]+\. Log in again/);
    expect(stack).not.toContain("\n    at ");
    for (const part of token.split(".").filter(({ length }) => length > 8)) expect(message).not.toContain(part);
  }
});

test.each([
  [{ iss: "https://evil.example" }, 'this service expects iss to be "https://login.example"'],
  [{ aud: "evil" }, 'this service expects aud to be "things & more"'],
])("with %o the error names the expected value, and the answer does not", async (changes, expected) => {
  const parties = { ...mint, issuer: "https://login.example", audience: "things & more" };
  const verifier = await open(parties);
  const error = await verifier.verify(tokenWith(parties, changes)).catch((thrown: unknown) => thrown);
  if (!(error instanceof VerifyError)) expect.fail("no VerifyError");
  expect(error.cause).toEqual(new Error(expected));
  const { body } = errorResponse(error);
  expect(Object.keys(JSON.parse(body))).toEqual(["code", "reason", "message"]);
  expect(body).toMatch(/because its claim (iss|aud) is missing or wrong\./);
  expect([body, String(error.cause)].join()).not.toContain("evil");
  expect(body).not.toMatch(/login|things/);
});

const OPTIONS: VerifierOptions = { issuer: "https://auth.example", audience: "devices" };
const NO_ISSUER_URL = /^issuer is not an https or http URL, such as https:\/\/login\.example\. .* set jwksUrl$/;

test("the keys come from the issuer's well-known URL", async () => {
  const fetch = vi.fn<typeof globalThis.fetch>(() => Promise.reject(new Error("no network")));
  const verifier = createVerifier({ ...OPTIONS, issuer: "https://auth.example/", fetch });
  expect(await outcomeOf(verifier, validToken(mint))).toBe("unavailable");
  expect(fetch.mock.calls.map(([url]) => String(url))).toEqual(["https://auth.example/.well-known/jwks.json"]);
});

test.each<[Partial<VerifierOptions>, RegExp]>([
  [{ issuer: "" }, /^issuer is missing: the gateway's COUNTERSIGN_ISSUER$/],
  [{ audience: "" }, /^audience is missing/],
  [{ issuer: "countersign" }, NO_ISSUER_URL],
  [{ issuer: "login.example" }, NO_ISSUER_URL],
  [{ issuer: "localhost:8080" }, NO_ISSUER_URL],
  [{ jwksUrl: "login.example/keys" }, /^jwksUrl is not an https or http URL, such as https:\/\/login\.example$/],
  [{ jwksUrl: "file:///etc/keys" }, /^jwksUrl is not an https or http URL/],
  [{ issuer: "http://auth.example" }, /^issuer is an http:\/\/ address.+allowHttp/],
  [{ jwksUrl: "https://a:b@auth.example/" }, /^jwksUrl holds a user or a password$/],
  [{ clockToleranceMs: 300_001 }, /^clockToleranceMs/],
  [{ clockToleranceMs: Number.NaN }, /^clockToleranceMs/],
  [{ maxStaleMs: -1 }, /^maxStaleMs/],
])("%o is an error at once", (wrong, message) => {
  expect(() => createVerifier({ ...OPTIONS, ...wrong })).toThrow(message);
});

test.each<Partial<VerifierOptions>>([
  { issuer: "countersign", jwksUrl: "https://auth.example/keys" },
  { issuer: "http://auth.example", allowHttp: true },
  { issuer: "http://[::1]:8080" },
])("%o is accepted", (options) => {
  expect(() => createVerifier({ ...OPTIONS, ...options })).not.toThrow();
});
