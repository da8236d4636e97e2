// Hostile forms: texts that are no compact JWS of three parts, or far too long (RFC 7515, 7.1; RFC 7516, 3).

import {
  claimsOf,
  encode,
  encodeJson,
  type Forgery,
  goodToken,
  headerOf,
  invalid,
  type Mint,
  signed,
} from "./forge.ts";

export function hostileForms(mint: Mint): Forgery[] {
  return invalid({ ...parts(mint), ...surroundings(goodToken(mint)), ...sizes(mint), ...otherForms(mint) });
}

function parts(mint: Mint): Record<string, string> {
  const [header = "", claims = "", signature = ""] = goodToken(mint).split(".");
  const padded = (part: string): string => part + "=".repeat((4 - (part.length % 4)) % 4 || 4);
  const spaced = (part: string): string => `${part.slice(0, 5)} ${part.slice(5)}`;
  const texts = {
    "one dot": ["", ""],
    "two dots": ["", "", ""],
    "no header": ["", claims, signature],
    "no claims": [header, "", signature],
    "the header alone": [header],
    "a dot before": ["", header, claims, signature],
    "a dot after": [header, claims, signature, ""],
    "four parts": [header, claims, signature, signature],
    "parts in another order": [claims, header, signature],
    "the header padded": [padded(header), claims, signature],
    "the claims padded": [header, padded(claims), signature],
    "a space in the header": [spaced(header), claims, signature],
    "a space in the claims": [header, spaced(claims), signature],
  };
  return Object.fromEntries(Object.entries(texts).map(([name, sent]) => [name, sent.join(".")]));
}

function surroundings(token: string): Record<string, string> {
  const around = [" T", "T\r\nx-device-key: admin", "T\0", "\0T", "\ufeffT", "T\u200b", "T\ud800", "T\u00a0"];
  const texts = ["Bearer T", '"T"', "T,T", "T, T", "T T"]
    .concat(around)
    .map((text) => text.replaceAll("T", () => token));
  const dots = ["%2E", "\uff0e"].map((dot) => token.replaceAll(".", dot));
  const others = ["hello", "жетон.жетон.жетон", "undefined", "null", "[object Object]"];
  return Object.fromEntries(
    [...texts, ...dots, ...others].map((text, at) => [`form ${at}: ${text.slice(0, 20)}`, text]),
  );
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
    "64 KB of signature": `${goodToken(mint)}${"A".repeat(65_536)}`,
    "a megabyte of {": `${encode("{".repeat(786_432))}.e30.AA`,
    "nested deeply, signed": signed(mint, headerOf(mint), `{"sub":${deep}}`),
    "8 KB nested deeply": `${encode(`{"a":`.repeat(1_000))}.${encode("[".repeat(3_000))}.AA`,
  };
}

function otherForms(mint: Mint): Record<string, string> {
  const [protectedHeader = "", payload = "", signature = ""] = goodToken(mint).split(".");
  const flattened = JSON.stringify({ protected: protectedHeader, payload, signature });
  const general = JSON.stringify({ payload, signatures: [{ protected: protectedHeader, signature }] });
  const jwe = encodeJson({ alg: "dir", enc: "A128GCM", typ: "JWT", kid: mint.kid });
  const wrapped = encodeJson({ alg: "RSA-OAEP", enc: "A256GCM", zip: "DEF", cty: "JWT", kid: mint.kid });
  const pbes = encodeJson({ alg: "PBES2-HS512+A256KW", enc: "A256GCM", p2c: 2_147_483_647, p2s: "AAAA" });
  return {
    "JWS JSON, flattened": flattened,
    "JWS JSON, general": general,
    "JWS JSON, encoded": encode(flattened),
    "a token, encoded": encode(goodToken(mint)),
    "JWE, dir": `${jwe}..AAAAAAAAAAAAAAAA.${payload}.AAAAAAAAAAAAAAAAAAAAAA`,
    "JWE, RSA-OAEP": `${wrapped}.${signature}.AAAAAAAAAAAAAAAA.${payload}.AAAAAAAAAAAAAAAAAAAAAA`,
    "JWE, two thousand million rounds": `${pbes}.AAAA.AAAAAAAAAAAAAAAA.${payload}.AAAAAAAAAAAAAAAAAAAAAA`,
    "JWE's five parts, a JWS in front": `${goodToken(mint)}.AAAA.AAAA`,
    "PASETO's form": `v4.public.${payload}${signature}`,
  };
}
