// A corpus of hostile tokens. No verifier may accept one or crash.

import { claimsOf, encode, encodeJson, headerOf, isSigned, type Mint, signed, validToken } from "./forge.ts";
import { hostileClaims } from "./hostile-claims.ts";
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
