// Hostile headers: wrong algorithm, key or type (RFC 8725, 3.1, 3.5, 3.10, 3.11).

import { createHmac, createPublicKey } from "node:crypto";
import { TOKEN_ALGS } from "../../src/core/tokens/algorithms.ts";
import {
  claimsOf,
  encode,
  encodeJson,
  type Forgery,
  headerOf,
  invalid,
  type Json,
  type Mint,
  signed,
  signedBy,
  signText,
  strangerKeys,
  validToken,
} from "./forge.ts";

export function hostileHeaders(mint: Mint): Forgery[] {
  return invalid({
    ...algorithms(mint),
    ...confusions(mint),
    ...keyIds(mint),
    ...embeddedKeys(mint),
    ...extensions(mint),
    ...kinds(mint),
    ...objects(mint),
  });
}

/** Tokens with changed headers, by name, signed by the right key. */
function withHeaders(mint: Mint, headers: Readonly<Record<string, Json>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, header]) => [
      name,
      signed(mint, typeof header === "string" ? header : { ...headerOf(mint), ...header }, claimsOf(mint)),
    ]),
  );
}

function algorithms(mint: Mint): Record<string, string> {
  const claims = encodeJson(claimsOf(mint));
  const signature = validToken(mint).split(".")[2];
  const tokens: Record<string, string> = {};
  for (const alg of ["none", "None", "NONE", "nOnE"]) {
    const text = `${encodeJson({ ...headerOf(mint), alg })}.${claims}`;
    tokens[`alg ${alg}, no signature`] = `${text}.`;
    tokens[`alg ${alg}, no signature and no dot`] = text;
    tokens[`alg ${alg}, another token's signature`] = `${text}.${signature}`;
  }
  tokens["alg none without kid"] = `${encodeJson({ alg: "none" })}.${claims}.`;
  const names = "RS256 RS384 RS512 PS256 PS512 ES256 ES384 ES256K EdDSA Ed25519 Ed448 HS256".split(" ");
  const { alg: own } = mint;
  const values = [...names, "", own.toLowerCase(), `${own} `, `${own}\u0000`, null, 256, true, [own], { alg: own }];
  for (const alg of values.filter((value) => value !== own && value !== own.toUpperCase())) {
    Object.assign(tokens, withHeaders(mint, { [`alg ${JSON.stringify(alg)}, signed by the right key`]: { alg } }));
  }
  const { alg: _, ...rest } = headerOf(mint);
  tokens["no alg"] = signed(mint, rest, claimsOf(mint));
  return tokens;
}

/** The right kid with a signature by another key or secret. */
function confusions(mint: Mint): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const alg of TOKEN_ALGS) {
    const { privateKey } = strangerKeys(alg);
    const signedFor = (header: Json): string => signedBy(alg, privateKey, header, claimsOf(mint));
    tokens[`signed by a stranger's ${alg} key`] = signedFor({ ...headerOf(mint), alg });
    tokens[`signed by a stranger's ${alg} key, with the right header`] = signedFor(headerOf(mint));
  }
  for (const [name, secret] of publicSecrets(mint)) {
    const macOf = (header: Json, bits: number): string => {
      const text = `${encodeJson(header)}.${encodeJson(claimsOf(mint))}`;
      return `${text}.${createHmac(`sha${bits}`, secret).update(text).digest("base64url")}`;
    };
    for (const bits of [256, 384, 512]) {
      tokens[`HS${bits} by ${name}`] = macOf({ ...headerOf(mint), alg: `HS${bits}` }, bits);
    }
    tokens[`HMAC by ${name}, with the right header`] = macOf(headerOf(mint), 256);
  }
  return tokens;
}

/** Public bytes that an implementation may mistake for a secret. */
function publicSecrets({ publicJwk, kid, privateKey }: Mint): [string, string | Buffer][] {
  const publicKey = createPublicKey(privateKey);
  const pem = publicKey.export({ format: "pem", type: "spki" }).toString();
  return [
    ["the public key as PEM", pem],
    ["the public key as PEM without its last newline", pem.trimEnd()],
    ["the public key as DER", publicKey.export({ format: "der", type: "spki" })],
    ["the public key as JWK", JSON.stringify(publicJwk)],
    ["a member of the JWK", Buffer.from(String(publicJwk["n"] ?? publicJwk["x"]), "base64url")],
    ["the kid", kid],
    ["nothing", ""],
  ];
}

function keyIds(mint: Mint): Record<string, string> {
  const { kid, ...rest } = headerOf(mint);
  const kids = {
    unknown: "2B2nDZMyCN3pM8bW1Sxq3lq8a2ZfLrG5XvVvY0Tj6kE",
    empty: "",
    "with a space": `${kid} `,
    "with NUL": `${kid}\u0000`,
    "in the other case": swapCase(String(kid)),
    "as an array": [kid],
    "as an object": { kid },
    "as a number": 1,
    null: null,
    true: true,
    "a path": "../../../../../../dev/null",
    "a path from the root": "/etc/passwd",
    "an address": "http://169.254.169.254/latest/meta-data/",
    "a query": "x' UNION SELECT 'AAAA' -- ",
    "a command": "$(id)|`id`;id",
    constructor: "constructor",
    toString: "toString",
    "5,000 characters": "k".repeat(5_000),
    "not ASCII": "ключ",
    "a lone surrogate": "\ud800",
  };
  const tokens = Object.fromEntries(
    Object.entries(kids).map(([name, value]) => [`kid ${name}`, signed(mint, { ...rest, kid: value }, claimsOf(mint))]),
  );
  tokens["kid __proto__"] = signed(mint, { ...rest, kid: "__proto__" }, claimsOf(mint));
  tokens["no kid"] = signed(mint, rest, claimsOf(mint));
  const stranger = strangerKeys(mint.alg).privateKey;
  tokens["a stranger's kid and key"] = signedBy(mint.alg, stranger, { ...rest, kid: "stranger" }, claimsOf(mint));
  tokens["no kid, a stranger's key"] = signedBy(mint.alg, stranger, rest, claimsOf(mint));
  return tokens;
}

function swapCase(text: string): string {
  const swapped = text.replace(/[a-z]/gi, (c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase()));
  return swapped === text ? `${text}x` : swapped;
}

/** A stranger's key inside the header. */
function embeddedKeys(mint: Mint): Record<string, string> {
  const { privateKey, publicKey } = strangerKeys(mint.alg);
  const jwk = { ...publicKey.export({ format: "jwk" }), kid: mint.kid, alg: mint.alg, use: "sig" };
  const der = publicKey.export({ format: "der", type: "spki" }).toString("base64");
  const smallOrder = { kty: "OKP", crv: "Ed25519", x: encode(new Uint8Array(32)), kid: mint.kid };
  const headers: Record<string, object> = {
    jwk: { jwk },
    "jwk without kid": { jwk, kid: undefined },
    "jwk of an HMAC": { jwk: { kty: "oct", k: "AA" } },
    "jwk of small order": { jwk: smallOrder },
    jku: { jku: "https://attacker.example/jwks.json" },
    "jku without kid": { jku: "https://attacker.example/jwks.json", kid: undefined },
    "jku below the issuer": { jku: `${mint.issuer}/../jwks.json@attacker.example` },
    x5u: { x5u: "https://attacker.example/cert.pem" },
    x5c: { x5c: [der] },
    "x5c and x5t": { x5c: [der], x5t: "AAAA", "x5t#S256": "AAAA" },
    "all of them": { jwk, jku: "http://127.0.0.1:1/", x5u: "http://127.0.0.1:1/", x5c: [der] },
  };
  return Object.fromEntries(
    Object.entries(headers).map(([name, members]) => [
      `a stranger's key in the header, ${name}`,
      signedBy(mint.alg, privateKey, { ...headerOf(mint), ...members }, claimsOf(mint)),
    ]),
  );
}

/** RFC 7515, 4.1.11, and RFC 7797: no extension is understood. */
function extensions(mint: Mint): Record<string, string> {
  const header = { ...headerOf(mint), b64: false, crit: ["b64"] };
  const claims = JSON.stringify(claimsOf(mint));
  const raw = `${encodeJson(header)}.${claims}`;
  const signature = signText(mint.alg, raw, mint.privateKey).toString("base64url");
  const uncritical = { ...headerOf(mint), b64: false };
  const overRaw = signText(mint.alg, `${encodeJson(uncritical)}.${claims}`, mint.privateKey).toString("base64url");
  return {
    ...withHeaders(mint, {
      "crit of an unknown extension": { crit: ["urn:example:x"], "urn:example:x": true },
      "crit of an extension that is absent": { crit: ["urn:example:x"] },
      "crit of exp": { crit: ["exp"], exp: 9_999_999_999 },
      "crit of alg": { crit: ["alg"] },
      "crit, empty": { crit: [] },
      "crit, a string": { crit: "b64" },
      "crit, null": { crit: null },
      "crit, an object": { crit: {} },
      "crit of __proto__": { crit: ["__proto__"] },
      "b64 false, the claims encoded": { b64: false, crit: ["b64"] },
    }),
    "b64 false, the claims raw": `${raw}.${signature}`,
    "b64 false, the claims detached": `${encodeJson(header)}..${signature}`,
    "b64 false, signed raw and sent encoded": `${encodeJson(header)}.${encode(claims)}.${signature}`,
    "b64 false without crit, signed raw and sent encoded": `${encodeJson(uncritical)}.${encode(claims)}.${overRaw}`,
  };
}

function kinds(mint: Mint): Record<string, string> {
  const typs = ["dpop+jwt", "logout+jwt", "secevent+jwt", "JOSE", "JWS", "", "JWT ", "JWT\u0000", "ＪＷＴ"];
  const { typ: _, ...rest } = headerOf(mint);
  const headers = [...typs, null, 1, ["JWT"]].map((typ) => [`typ ${JSON.stringify(typ)}`, { typ }]);
  return {
    ...withHeaders(mint, Object.fromEntries(headers)),
    "no typ": signed(mint, rest, claimsOf(mint)),
    "a token in a token": signed(mint, { ...headerOf(mint), cty: "JWT" }, validToken(mint)),
  };
}

/** Headers that are not a JSON object. */
function objects(mint: Mint): Record<string, string> {
  const { alg, kid } = mint;
  const members = `"typ":"JWT","kid":${JSON.stringify(kid)}`;
  return withHeaders(mint, {
    "header: not JSON": "alg",
    "header: a trailing comma": `{"alg":"${alg}",${members},}`,
    "header: cut short": `{"alg":"${alg}",${members}`,
    "header: more after the end": `{"alg":"${alg}",${members}}{}`,
    "header: a comment": `{"alg":"${alg}",/**/${members}}`,
    "header: an array": `[{"alg":"${alg}",${members}}]`,
    "header: a string": `"${alg}"`,
    "header: null": "null",
    "header: empty": "{}",
    "header: all in __proto__": `{"__proto__":{"alg":"${alg}",${members}}}`,
    "header: nested deeply": `{"alg":"${alg}",${members},"alg":${"[".repeat(1_000)}${"]".repeat(1_000)}}`,
  });
}
