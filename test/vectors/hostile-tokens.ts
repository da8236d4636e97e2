// A corpus of hostile tokens. No verifier may accept one or crash.

import {
  claimsOf,
  encode,
  encodeJson,
  headerOf,
  isSigned,
  type Json,
  type Mint,
  signed,
  validToken,
  withWrongValues,
} from "./forge.ts";
import { hostileHeaders } from "./hostile-headers.ts";
import { hostileSignatures } from "./hostile-signatures.ts";

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
  return { ...withWrongValues(mint, "claims", wrongValues(mint)), ...Object.fromEntries(claims) };
}

function wrongValues({ issuer, audience, deviceKey, customerId, now }: Mint): Record<string, readonly unknown[]> {
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
