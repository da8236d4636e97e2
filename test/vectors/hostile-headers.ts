// Hostile headers: algorithms, keys and types (RFC 8725, 3.1, 3.5, 3.10, 3.11).

import { createHmac, createPublicKey } from "node:crypto";
import { TOKEN_ALGS, type TokenAlg } from "../../src/core/tokens/algorithms.ts";
import {
  claimsOf,
  encode,
  encodeJson,
  headerOf,
  type Json,
  type Mint,
  makeKeys,
  signed,
  signedBy,
  signText,
  validToken,
  withWrongValues,
} from "./forge.ts";

/** Key pairs that no issuer has published; always the same, since RSA keys take long to generate. */
const strangers = new Map<TokenAlg, ReturnType<typeof makeKeys>>();

function strangerKeys(alg: TokenAlg): ReturnType<typeof makeKeys> {
  const pair = strangers.get(alg) ?? makeKeys(alg);
  strangers.set(alg, pair);
  return pair;
}

export function hostileHeaders(mint: Mint): Record<string, string> {
  return {
    ...unsigned(mint),
    ...confusions(mint),
    ...withWrongValues(mint, "header", wrongValues(mint)),
    ...ofStrangers(mint),
    ...unencoded(mint),
    ...objects(mint),
    "a token in a token": signed(mint, { ...headerOf(mint), cty: "JWT" }, validToken(mint)),
  };
}

function unsigned(mint: Mint): Record<string, string> {
  const signature = validToken(mint).split(".")[2];
  const tokens: Record<string, string> = {};
  for (const alg of ["none", "None", "NONE", "nOnE"]) {
    const text = `${encodeJson({ ...headerOf(mint), alg })}.${encodeJson(claimsOf(mint))}`;
    tokens[`alg ${alg}, no signature`] = `${text}.`;
    tokens[`alg ${alg}, no signature and no dot`] = text;
    tokens[`alg ${alg}, another token's signature`] = `${text}.${signature}`;
  }
  return tokens;
}

/** The right kid with a signature by another key, or by public bytes that an implementation may mistake for a secret. */
function confusions(mint: Mint): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const alg of TOKEN_ALGS) {
    const { privateKey } = strangerKeys(alg);
    const signedFor = (header: Json): string => signedBy(alg, privateKey, header, claimsOf(mint));
    tokens[`signed by a stranger's ${alg} key`] = signedFor({ ...headerOf(mint), alg });
    tokens[`signed by a stranger's ${alg} key, with the right header`] = signedFor(headerOf(mint));
  }
  const publicKey = createPublicKey(mint.privateKey);
  const pem = publicKey.export({ format: "pem", type: "spki" }).toString();
  const { publicJwk, kid } = mint;
  const secrets: Record<string, string | Buffer> = {
    "the public key as PEM": pem,
    "the public key as PEM without its last newline": pem.trimEnd(),
    "the public key as DER": publicKey.export({ format: "der", type: "spki" }),
    "the public key as JWK": JSON.stringify(publicJwk),
    "a member of the JWK": Buffer.from(String(publicJwk["n"] ?? publicJwk["x"]), "base64url"),
    "the key id": kid,
    nothing: "",
  };
  for (const [name, secret] of Object.entries(secrets)) {
    const macOf = (header: Json, bits: number): string => {
      const text = `${encodeJson(header)}.${encodeJson(claimsOf(mint))}`;
      return `${text}.${createHmac(`sha${bits}`, secret).update(text).digest("base64url")}`;
    };
    for (const bits of [256, 512]) {
      tokens[`HS${bits} by ${name}`] = macOf({ ...headerOf(mint), alg: `HS${bits}` }, bits);
    }
    tokens[`HMAC by ${name}, with the right header`] = macOf(headerOf(mint), 256);
  }
  return tokens;
}

function wrongValues({ alg, kid }: Mint): Record<string, readonly unknown[]> {
  const algs = "RS256 RS384 PS256 PS512 ES256 ES384 ES256K EdDSA Ed25519 Ed448 HS256".split(" ");
  const paths = ["../../../../../../dev/null", "http://169.254.169.254/latest/meta-data/", "$(id)|`id`;id"];
  const names = ["unknown", "__proto__", "constructor", "toString"];
  return {
    alg: [...algs.filter((name) => name !== alg), undefined, "", `${alg} `, `${alg}\0`, null, 256, [alg], { alg }],
    kid: [undefined, "", `${kid} `, `${kid}\0`, kid.toUpperCase(), [kid], { kid }, 1, null, ...paths, ...names],
    typ: [undefined, "dpop+jwt", "logout+jwt", "JOSE", "", "JWT ", "JWT\0", "ＪＷＴ", null, 1, ["JWT"]],
    // No extension is understood (RFC 7515, 4.1.11).
    crit: [["urn:example:x"], ["exp"], ["alg"], [], "b64", null, {}, ["__proto__"], ["b64"]],
  };
}

/** Signed by a stranger's key, which the header names or holds. */
function ofStrangers(mint: Mint): Record<string, string> {
  const { privateKey, publicKey } = strangerKeys(mint.alg);
  const jwk = { ...publicKey.export({ format: "jwk" }), kid: mint.kid, alg: mint.alg, use: "sig" };
  const x5c = [publicKey.export({ format: "der", type: "spki" }).toString("base64")];
  const headers: Record<string, object> = {
    "its own kid": { kid: "stranger" },
    "no kid": { kid: undefined },
    jwk: { jwk },
    "jwk without kid": { jwk, kid: undefined },
    "jwk of an HMAC": { jwk: { kty: "oct", k: "AA" } },
    "jwk of small order": { jwk: { kty: "OKP", crv: "Ed25519", x: encode(new Uint8Array(32)), kid: mint.kid } },
    jku: { jku: "https://attacker.example/jwks.json" },
    x5u: { x5u: "https://attacker.example/cert.pem" },
    x5c: { x5c, x5t: "AAAA", "x5t#S256": "AAAA" },
  };
  const tokens = Object.entries(headers).map(([name, members]) => [
    `a stranger's key in the header, ${name}`,
    signedBy(mint.alg, privateKey, { ...headerOf(mint), ...members }, claimsOf(mint)),
  ]);
  return Object.fromEntries(tokens);
}

/** Claims that are signed without their encoding (RFC 7797). */
function unencoded(mint: Mint): Record<string, string> {
  const claims = JSON.stringify(claimsOf(mint));
  const [critical, uncritical] = [{ crit: ["b64"] }, {}].map((members) => {
    const header = encodeJson({ ...headerOf(mint), b64: false, ...members });
    return { header, signature: encode(signText(mint.alg, `${header}.${claims}`, mint.privateKey)) };
  });
  return {
    "b64 false, the claims raw": `${critical?.header}.${claims}.${critical?.signature}`,
    "b64 false, the claims detached": `${critical?.header}..${critical?.signature}`,
    "b64 false, signed raw and sent encoded": `${critical?.header}.${encode(claims)}.${critical?.signature}`,
    "b64 false without crit": `${uncritical?.header}.${encode(claims)}.${uncritical?.signature}`,
  };
}

/** Headers that are not a JSON object. */
function objects(mint: Mint): Record<string, string> {
  const header = JSON.stringify(headerOf(mint));
  const headers: Record<string, string> = {
    "header: not JSON": "alg",
    "header: cut short": header.slice(0, -1),
    "header: more after the end": `${header}{}`,
    "header: an array": `[${header}]`,
    "header: empty": "{}",
    "header: all in __proto__": `{"__proto__":${header}}`,
    "header: nested deeply": `${header.slice(0, -1)},"alg":${"[".repeat(1_000)}${"]".repeat(1_000)}}`,
  };
  return Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, signed(mint, text, claimsOf(mint))]));
}
