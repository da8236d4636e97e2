// Hostile headers: false algorithms, keys and types of a token (RFC 8725, 3.1, 3.5, 3.10, 3.11).

import { createHmac, createPublicKey } from "node:crypto";
import { TOKEN_ALGS } from "../../src/core/tokens/algorithms.ts";
import {
  claimsOf,
  encode,
  encodeJson,
  type Forgery,
  goodToken,
  headerOf,
  invalid,
  type Json,
  type Mint,
  signed,
  signedBy,
  signText,
  strangerKeys,
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

/** By name, a token whose header is changed so; signed by the right key all the same. */
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
  const signature = goodToken(mint).split(".")[2];
  const tokens: Record<string, string> = {};
  for (const alg of ["none", "nOnE"]) {
    const text = `${encodeJson({ ...headerOf(mint), alg })}.${claims}`;
    tokens[`alg ${alg}, no signature`] = `${text}.`;
    tokens[`alg ${alg}, no signature and no dot`] = text;
    tokens[`alg ${alg}, another token's signature`] = `${text}.${signature}`;
  }
  const names = ["RS256", "RS512", "PS256", "ES256", "ES384", "EdDSA", "Ed25519", "Ed448", "HS256", ""];
  const values = [...names, mint.alg.toLowerCase(), `${mint.alg} `, null, [mint.alg], { alg: mint.alg }, undefined];
  for (const alg of values.filter((value) => value !== mint.alg && value !== mint.alg.toUpperCase())) {
    Object.assign(tokens, withHeaders(mint, { [`alg ${JSON.stringify(alg)}, signed by the right key`]: { alg } }));
  }
  return tokens;
}

/** The right kid, and a signature by something that is not its private key. */
function confusions(mint: Mint): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const alg of TOKEN_ALGS) {
    const { privateKey } = strangerKeys(alg);
    tokens[`signed by a stranger's ${alg} key`] = signedBy(alg, privateKey, { ...headerOf(mint), alg }, claimsOf(mint));
    tokens[`signed by a stranger's ${alg} key, the header as it should be`] = signedBy(
      alg,
      privateKey,
      headerOf(mint),
      claimsOf(mint),
    );
  }
  for (const [name, secret] of publicSecrets(mint)) {
    for (const header of [{ ...headerOf(mint), alg: "HS256" }, headerOf(mint)]) {
      const text = `${encodeJson(header)}.${encodeJson(claimsOf(mint))}`;
      const signature = createHmac("sha256", secret).update(text).digest("base64url");
      tokens[`HMAC by ${name}, alg ${header["alg"]}`] = `${text}.${signature}`;
    }
  }
  return tokens;
}

/** Public bytes that have been taken for a secret. */
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
  const kids = [
    "unknown",
    "",
    `${kid} `,
    `${kid}\u0000`,
    [kid],
    { kid },
    1,
    null,
    undefined,
    "k".repeat(5_000),
    "ключ",
  ];
  const harmful = ["../../../dev/null", "http://169.254.169.254/", "x' UNION SELECT 'AAAA' -- ", "$(id)|`id`;id"];
  const inherited = ["constructor", "toString", "__proto__"];
  const tokens = Object.fromEntries(
    [...kids, ...harmful, ...inherited].map((value) => [
      `kid ${JSON.stringify(value)?.slice(0, 40)}`,
      signed(mint, { ...rest, kid: value }, claimsOf(mint)),
    ]),
  );
  const stranger = strangerKeys(mint.alg).privateKey;
  tokens["a stranger's kid and key"] = signedBy(mint.alg, stranger, { ...rest, kid: "stranger" }, claimsOf(mint));
  tokens["no kid, a stranger's key"] = signedBy(mint.alg, stranger, rest, claimsOf(mint));
  return tokens;
}

/** A stranger's key, brought along. */
function embeddedKeys(mint: Mint): Record<string, string> {
  const { privateKey, publicKey } = strangerKeys(mint.alg);
  const jwk = { ...publicKey.export({ format: "jwk" }), kid: mint.kid, alg: mint.alg, use: "sig" };
  const x5c = [publicKey.export({ format: "der", type: "spki" }).toString("base64")];
  const jku = "https://attacker.example/jwks.json";
  const brought = [
    { jwk },
    { jwk, kid: undefined },
    { jwk: { kty: "oct", k: "AA" } },
    { jwk: { kty: "OKP", crv: "Ed25519", x: encode(new Uint8Array(32)), kid: mint.kid } },
    { jku },
    { jku, kid: undefined },
    { x5u: "https://attacker.example/cert.pem" },
    { x5c, x5t: "AAAA", "x5t#S256": "AAAA" },
    { jwk, jku: "http://127.0.0.1:1/", x5u: "http://127.0.0.1:1/", x5c },
  ];
  return Object.fromEntries(
    brought.map((members, at) => [
      `a stranger's key in the header, ${at}: ${Object.keys(members)}`,
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
  const crits = [["urn:example:x"], ["exp"], ["alg"], ["__proto__"], [], "b64", null, {}];
  return {
    ...withHeaders(mint, Object.fromEntries(crits.map((crit) => [`crit ${JSON.stringify(crit)}`, { crit, exp: 1 }]))),
    ...withHeaders(mint, { "b64 false, the claims encoded": { b64: false, crit: ["b64"] } }),
    "b64 false, the claims raw": `${raw}.${signature}`,
    "b64 false, the claims detached": `${encodeJson(header)}..${signature}`,
    "b64 false, signed raw and sent encoded": `${encodeJson(header)}.${encode(claims)}.${signature}`,
  };
}

function kinds(mint: Mint): Record<string, string> {
  const typs = ["dpop+jwt", "logout+jwt", "JOSE", "", "JWT ", "JWT\u0000", "ＪＷＴ", null, 1, ["JWT"], undefined];
  return {
    ...withHeaders(mint, Object.fromEntries(typs.map((typ) => [`typ ${JSON.stringify(typ)}`, { typ }]))),
    "a token in a token": signed(mint, { ...headerOf(mint), cty: "JWT" }, goodToken(mint)),
  };
}

/** Headers that are no object of JSON. */
function objects(mint: Mint): Record<string, string> {
  const text = JSON.stringify(headerOf(mint));
  const nested = `${text.slice(0, -1)},"alg":${"[".repeat(1_000)}${"]".repeat(1_000)}}`;
  const headers = ["alg", `${text.slice(0, -1)},}`, text.slice(0, -1), `${text}{}`, `[${text}]`, '"JWT"', "null", "{}"];
  const texts = [...headers, `{"__proto__":${text}}`, nested];
  return withHeaders(mint, Object.fromEntries(texts.map((header) => [`header ${header.slice(0, 60)}`, header])));
}
