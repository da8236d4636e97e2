// A corpus of hostile tokens. No verifier may accept one or crash.

import { sign } from "node:crypto";
import {
  claimsOf,
  encode,
  encodeJson,
  headerOf,
  isSigned,
  type Json,
  type Mint,
  signed,
  signText,
  validToken,
  withWrongValues,
} from "./forge.ts";
import { hostileHeaders } from "./hostile-headers.ts";

/**
 * Over 250 variants of a valid token (`validToken` of forge.ts), each with one mistake. `signed`: the issuer's key has signed it,
 * as of a faulty issuer or a valid token in another spelling, so a general JWS verifier may accept it.
 */
export function hostileTokens(mint: Mint) {
  const tokens = { ...hostileHeaders(mint), ...hostileSignatures(mint), ...hostileForms(mint), ...hostileClaims(mint) };
  return Object.entries(tokens).map(([name, token]) => ({ name, token, signed: isSigned(mint, token) }));
}

/** Runs a verifier on the corpus; `answerOf` gives its reason. @returns the wrong answers */
export async function findMisjudged(mint: Mint, answerOf: (token: string) => Promise<string>): Promise<string[]> {
  const answers: string[] = [];
  for (const { name, token } of hostileTokens(mint)) answers.push(`${name}: ${await answerOf(token)}`);
  return answers.filter((answer) => !/: invalid$|^exp .*: expired$/.test(answer));
}

/**
 * Whether a token arrives unchanged in an HTTP field: printable Latin-1, not empty, without whitespace at its ends, which a receiver
 * removes (RFC 9110, 5.5). Others cannot be sent or arrive as another token.
 */
export function fitsField(token: string): boolean {
  return /^[\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?$/.test(token);
}

/** Texts that are not a compact JWS of three parts, or far too long (RFC 7515, 7.1; RFC 7516, 3). */
export function hostileForms(mint: Mint): Record<string, string> {
  const token = validToken(mint);
  const [header = "", claims = "", signature = ""] = token.split(".");
  const long = (length: number): string => signed(mint, headerOf(mint), { ...claimsOf(mint), x: "x".repeat(length) });
  const deep = "[".repeat(20_000) + "]".repeat(20_000);
  const jwe = encodeJson({ alg: "dir", enc: "A128GCM", typ: "JWT", kid: mint.kid });
  const pbes = encodeJson({ alg: "PBES2-HS512+A256KW", enc: "A256GCM", p2c: 2_147_483_647, p2s: "AAAA" });
  return {
    "two dots": "..",
    "no header": `.${claims}.${signature}`,
    "no claims": `${header}..${signature}`,
    "the header alone": header,
    "a dot after": `${token}.`,
    "four parts": `${token}.${signature}`,
    "the header padded": `${header}====.${claims}.${signature}`,
    "a space in the header": `${header.slice(0, 5)} ${header.slice(5)}.${claims}.${signature}`,
    "a space before": ` ${token}`,
    "CRLF after, and a header": `${token}\r\nx-device-key: admin`,
    "NUL after": `${token}\0`,
    "a byte order mark before": `\ufeff${token}`,
    "a lone surrogate after": `${token}\ud800`,
    "a no-break space after": `${token}\u00a0`,
    "with its scheme": `Bearer ${token}`,
    quoted: `"${token}"`,
    "two tokens, by comma": `${token},${token}`,
    "two tokens, by space": `${token} ${token}`,
    "percent-encoded dots": token.replaceAll(".", "%2E"),
    "not a token": "hello",
    "not ASCII": "жетон.жетон.жетон",
    "64 KB, signed": long(48_000),
    "9 KB, signed": long(6_500),
    "64 KB in the header, signed": signed(mint, { ...headerOf(mint), x: "x".repeat(48_000) }, claimsOf(mint)),
    "64 KB of parts": "a.".repeat(32_768),
    "a megabyte of {": `${encode("{".repeat(786_432))}.e30.AA`,
    "nested deeply, signed": signed(mint, headerOf(mint), `{"sub":${deep}}`),
    "8 KB nested deeply": `${encode(`{"a":`.repeat(1_000))}.${encode("[".repeat(3_000))}.AA`,
    "JWS JSON, flattened": JSON.stringify({ protected: header, payload: claims, signature }),
    "JWS JSON, general": JSON.stringify({ payload: claims, signatures: [{ protected: header, signature }] }),
    "a token, encoded": encode(token),
    "JWE, dir": `${jwe}..AAAAAAAAAAAAAAAA.${claims}.AAAAAAAAAAAAAAAAAAAAAA`,
    "JWE, two thousand million rounds": `${pbes}.AAAA.AAAAAAAAAAAAAAAA.${claims}.AAAAAAAAAAAAAAAAAAAAAA`,
  };
}

/** Wrong issuer, audience or time, missing or malformed claims (RFC 7519, 4.1; RFC 8725, 3.8, 3.9 and 3.12). */
function hostileClaims(mint: Mint): Record<string, string> {
  const claims = Object.entries(wholeClaims(mint)).map(
    ([name, json]) => [name, signed(mint, headerOf(mint), json)] as const,
  );
  return { ...withWrongValues(mint, "claims", wrongClaims(mint)), ...Object.fromEntries(claims) };
}

function wrongClaims({ issuer, audience, deviceKey, customerId, now }: Mint): Record<string, readonly unknown[]> {
  const seconds = Math.floor(now / 1000);
  const noDates = [String(seconds + 600), null, true, [seconds + 600], {}];
  const otherIssuers = [`${issuer}/`, issuer.toUpperCase(), `${issuer}.attacker.example`, issuer.slice(0, -1)];
  const endings = [" admin", "\r\nx-admin: 1", "\0", "\x7f", "е", "\ud800", "\u202e"];
  return {
    iss: [undefined, null, "", [issuer], "https://attacker.example", ...otherIssuers],
    aud: [undefined, null, "", [], ["another", "third"], { [audience]: true }, "another", `${audience}-admin`],
    sub: [undefined, null, "", 7, [deviceKey], {}, "d".repeat(97), ...endings.map((end) => deviceKey + end)],
    customer_id: [undefined, null, "", 7, [customerId], `${customerId}\n`],
    jti: [undefined, "", 7, {}],
    exp: [undefined, ...noDates, 1e300, Number.MAX_SAFE_INTEGER, now + 600_000, 0, -1, -1e300, seconds - 3_600],
    iat: [undefined, ...noDates],
    nbf: [...noDates, seconds + 3_600, 1e300],
  };
}

/** Wrong claims as a whole: dates that do not fit, texts that are not one JSON object, bytes that are not UTF-8. */
function wholeClaims(mint: Mint): Record<string, Json> {
  const claims = claimsOf(mint);
  const seconds = Math.floor(mint.now / 1000);
  const text = JSON.stringify(claims);
  const dated = (exp: string): string => text.replace(String(claims["exp"]), exp);
  const withBytes = (x: string): Buffer => Buffer.from(JSON.stringify({ ...claims, x }), "latin1");
  return {
    "exp an hour ago": { ...claims, iat: seconds - 4_200, exp: seconds - 3_600 },
    "iat an hour ahead": { ...claims, iat: seconds + 3_600, exp: seconds + 4_200 },
    "claims: all in __proto__": `{"__proto__":${text}}`,
    "claims: an array": `[${text}]`,
    "claims: a string": JSON.stringify(text),
    "claims: null": "null",
    "claims: empty": "{}",
    "claims: not JSON": "sub",
    "claims: exp NaN": dated("NaN"),
    "claims: exp beyond doubles": dated("1e999"),
    "claims: cut short": text.slice(0, -1),
    "claims: more after the end": `${text}{}`,
    "claims: single quotes": text.replaceAll('"', "'"),
    "claims: names in capitals": text.replace(/"\w+":/g, (name) => name.toUpperCase()),
    "claims: a stray byte": withBytes("\xff"),
    "claims: an overlong NUL": withBytes("\xc0\x80"),
    "claims: a surrogate": withBytes("\xed\xa0\x80"),
    "claims: a sequence cut short": withBytes("\xe2\x82"),
    "claims: UTF-16": Buffer.from(text, "utf16le"),
  };
}

/** The order of P-256's base point, and of Ed25519's (FIPS 186-5; RFC 8032, 5.1). */
const P256_ORDER = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const ED25519_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

/** Signatures over valid claims: missing, in another encoding, or made up (RFC 7515, 5.2; RFC 8725, 3.2 and 3.4). */
function hostileSignatures(mint: Mint): Record<string, string> {
  const [header = "", claims = "", signature = ""] = validToken(mint).split(".");
  const right = Buffer.from(signature, "base64url");
  const values = {
    ...wrongSignatures(right),
    ...(mint.alg === "ES256" ? ecdsaValues(right, mint) : {}),
    ...(mint.alg === "EdDSA" ? eddsaValues(right) : {}),
  };
  const encoded = Object.entries(values).map(([name, value]) => [name, encode(value)]);
  const texts: Record<string, string> = {
    stripped: "",
    "the last character short": signature.slice(0, -1),
    "a stray ! in it": `${signature.slice(0, 9)}!${signature.slice(9)}`,
    "a character that is not ASCII in it": `${signature.slice(0, 9)}\u0101${signature.slice(9)}`,
    "one more character": `${signature}A`,
    "in hex": right.toString("hex"),
    twice: signature + signature,
    ...Object.fromEntries(encoded),
  };
  const tokens = Object.entries(texts).map(([name, text]) => [`signature: ${name}`, `${header}.${claims}.${text}`]);
  return {
    ...Object.fromEntries(tokens),
    "signature: in plain base64": inPlainBase64(mint),
    "signature: of other claims": `${header}.${encodeJson({ ...claimsOf(mint), sub: "another-device" })}.${signature}`,
    "signature: of another header": `${encodeJson({ ...headerOf(mint), x: 1 })}.${claims}.${signature}`,
    "signature: of the claims alone": `${header}.${claims}.${encode(signText(mint.alg, claims, mint.privateKey))}`,
  };
}

/** In the right encoding. */
function wrongSignatures(right: Buffer): Record<string, Uint8Array> {
  const zeros = Buffer.alloc(right.length);
  const flip = (at: number) => right.with(at, (right[at] ?? 0) ^ 1);
  return {
    "one bit changed, at the start": flip(0),
    "one bit changed, at the end": flip(right.length - 1),
    "a byte short": right.subarray(0, -1),
    "a byte short at the start": right.subarray(1),
    "a zero byte after it": Buffer.concat([right, zeros.subarray(0, 1)]),
    "a zero byte before it": Buffer.concat([zeros.subarray(0, 1), right]),
    "all zero": zeros,
    "all ones": Buffer.alloc(right.length, 0xff),
    "the number one": Buffer.concat([zeros.subarray(1), Buffer.from([1])]),
    "512 bytes": Buffer.alloc(512, 7),
  };
}

function ecdsaValues(right: Buffer, mint: Mint): Record<string, Buffer> {
  const zero = Buffer.alloc(32);
  const order = Buffer.from(P256_ORDER, "hex");
  const text = validToken(mint).split(".").slice(0, 2).join(".");
  return {
    "r zero": Buffer.concat([zero, right.subarray(32)]),
    "s zero": Buffer.concat([right.subarray(0, 32), zero]),
    "r and s the order": Buffer.concat([order, order]),
    "r the order, s one": Buffer.concat([order, zero.subarray(1), Buffer.from([1])]),
    "in ASN.1": sign("sha256", Buffer.from(text), mint.privateKey),
  };
}

function eddsaValues(right: Buffer): Record<string, Buffer> {
  const r = right.subarray(0, 32);
  const s = right.subarray(32);
  const identity = Buffer.concat([Buffer.from([1]), Buffer.alloc(31)]);
  const sumOf = BigInt(`0x${Buffer.from(s).reverse().toString("hex")}`) + ED25519_ORDER;
  return {
    "S plus the order": Buffer.concat([r, Buffer.from(sumOf.toString(16).padStart(64, "0"), "hex").reverse()]),
    "R the identity, S zero": Buffer.concat([identity, Buffer.alloc(32)]),
    "R of small order": Buffer.concat([Buffer.alloc(32), s]),
  };
}

/** The right signature in plain base64, for claims whose signature shows the difference. */
function inPlainBase64(mint: Mint): string {
  for (let count = 0; ; count += 1) {
    const [header, claims, signature = ""] = signed(mint, headerOf(mint), { ...claimsOf(mint), count }).split(".");
    if (/[-_]/.test(signature)) return `${header}.${claims}.${signature.replaceAll("-", "+").replaceAll("_", "/")}`;
  }
}
