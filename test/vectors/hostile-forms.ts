// Hostile forms: texts that are not a compact JWS of three parts, or far too long (RFC 7515, 7.1; RFC 7516, 3).

import {
  claimsOf,
  encode,
  encodeJson,
  type Forgery,
  headerOf,
  invalid,
  type Mint,
  signed,
  validToken,
} from "./forge.ts";

export function hostileForms(mint: Mint): Forgery[] {
  return invalid({ ...parts(mint), ...surroundings(validToken(mint)), ...sizes(mint), ...otherForms(mint) });
}

function parts(mint: Mint): Record<string, string> {
  const [header = "", claims = "", signature = ""] = validToken(mint).split(".");
  const respelt = (part: string): string => `${part.slice(0, 5)} ${part.slice(5)}`;
  return {
    "one dot": ".",
    "two dots": "..",
    "three dots": "...",
    "no header": `.${claims}.${signature}`,
    "no claims": `${header}..${signature}`,
    "the header alone": header,
    "a dot before": `.${header}.${claims}.${signature}`,
    "a dot after": `${header}.${claims}.${signature}.`,
    "four parts": `${header}.${claims}.${signature}.${signature}`,
    "parts in another order": `${claims}.${header}.${signature}`,
    "the header padded": `${header}${"=".repeat((4 - (header.length % 4)) % 4 || 4)}.${claims}.${signature}`,
    "the claims padded": `${header}.${claims}${"=".repeat((4 - (claims.length % 4)) % 4 || 4)}.${signature}`,
    "a space in the header": `${respelt(header)}.${claims}.${signature}`,
    "a space in the claims": `${header}.${respelt(claims)}.${signature}`,
  };
}

function surroundings(token: string): Record<string, string> {
  return {
    "a space before": ` ${token}`,
    "CRLF after, and a header": `${token}\r\nx-device-key: admin`,
    "NUL after": `${token}\u0000`,
    "NUL before": `\u0000${token}`,
    "a byte order mark before": `\ufeff${token}`,
    "a zero-width space after": `${token}\u200b`,
    "a lone surrogate after": `${token}\ud800`,
    "a no-break space after": `${token}\u00a0`,
    "with its scheme": `Bearer ${token}`,
    quoted: `"${token}"`,
    "two tokens, by comma": `${token},${token}`,
    "two tokens, by comma and space": `${token}, ${token}`,
    "two tokens, by space": `${token} ${token}`,
    "percent-encoded dots": token.replaceAll(".", "%2E"),
    "full-width dots": token.replaceAll(".", "\uff0e"),
    "not a token": "hello",
    "not ASCII": "жетон.жетон.жетон",
    emoji: "🔑.🔑.🔑",
    undefined: "undefined",
    null: "null",
    "an object's name": "[object Object]",
  };
}

function sizes(mint: Mint): Record<string, string> {
  const long = (length: number): string => signed(mint, headerOf(mint), { ...claimsOf(mint), x: "x".repeat(length) });
  const deep = "[".repeat(20_000) + "]".repeat(20_000);
  return {
    "64 KB, signed": long(48_000),
    "9 KB, signed": long(6_500),
    "64 KB in the header, signed": signed(mint, { ...headerOf(mint), x: "x".repeat(48_000) }, claimsOf(mint)),
    "64 KB of a": "a".repeat(65_536),
    "64 KB of dots": ".".repeat(65_536),
    "64 KB of parts": "a.".repeat(32_768),
    "64 KB of signature": `${validToken(mint)}${"A".repeat(65_536)}`,
    "a megabyte of {": `${encode("{".repeat(786_432))}.e30.AA`,
    "nested deeply, signed": signed(mint, headerOf(mint), `{"sub":${deep}}`),
    "8 KB nested deeply": `${encode(`{"a":`.repeat(1_000))}.${encode("[".repeat(3_000))}.AA`,
  };
}

function otherForms(mint: Mint): Record<string, string> {
  const [protectedHeader = "", payload = "", signature = ""] = validToken(mint).split(".");
  const flattened = JSON.stringify({ protected: protectedHeader, payload, signature });
  const general = JSON.stringify({ payload, signatures: [{ protected: protectedHeader, signature }] });
  const jwe = encodeJson({ alg: "dir", enc: "A128GCM", typ: "JWT", kid: mint.kid });
  const wrapped = encodeJson({ alg: "RSA-OAEP", enc: "A256GCM", zip: "DEF", cty: "JWT", kid: mint.kid });
  const pbes = encodeJson({ alg: "PBES2-HS512+A256KW", enc: "A256GCM", p2c: 2_147_483_647, p2s: "AAAA" });
  return {
    "JWS JSON, flattened": flattened,
    "JWS JSON, general": general,
    "JWS JSON, encoded": encode(flattened),
    "a token, encoded": encode(validToken(mint)),
    "JWE, dir": `${jwe}..AAAAAAAAAAAAAAAA.${payload}.AAAAAAAAAAAAAAAAAAAAAA`,
    "JWE, RSA-OAEP": `${wrapped}.${signature}.AAAAAAAAAAAAAAAA.${payload}.AAAAAAAAAAAAAAAAAAAAAA`,
    "JWE, two thousand million rounds": `${pbes}.AAAA.AAAAAAAAAAAAAAAA.${payload}.AAAAAAAAAAAAAAAAAAAAAA`,
    "JWE's five parts, a JWS in front": `${validToken(mint)}.AAAA.AAAA`,
    "PASETO's form": `v4.public.${payload}${signature}`,
  };
}
