// Hostile claims, signed by the right key: of another issuer, audience or time, missing, of a wrong shape (RFC 7519, 4.1;
// RFC 8725, 3.8, 3.9 and 3.12).

import { claimsOf, encode, type Forgery, headerOf, invalid, type Json, type Mint, signed, signText } from "./forge.ts";

export function hostileClaims(mint: Mint): Forgery[] {
  const tokens = (changes: Readonly<Record<string, Json>>): Record<string, string> =>
    Object.fromEntries(
      Object.entries(changes).map(([name, change]) => [
        name,
        signed(mint, headerOf(mint), typeof change === "string" ? change : { ...claimsOf(mint), ...change }),
      ]),
    );
  return [
    ...invalid(tokens({ ...parties(mint), ...shapes(mint), ...dates(mint), ...objects(mint) })),
    ...invalid(bytes(mint)),
    ...times(mint).map(({ name, change, reason }) => ({
      name,
      token: signed(mint, headerOf(mint), { ...claimsOf(mint), ...change }),
      ...(reason === undefined ? {} : { reason }),
    })),
  ];
}

const ABSENT = undefined;

/** By name, the claims with one of these values for a claim. */
function each(claim: string, values: readonly unknown[]): Record<string, object> {
  return Object.fromEntries(values.map((value) => [`${claim} ${JSON.stringify(value)}`, { [claim]: value }]));
}

function parties({ issuer, audience }: Mint): Record<string, object> {
  const issuers = ["https://attacker.example", `${issuer}/`, `${issuer}.attacker.example`, issuer.slice(0, -1)];
  const audiences = ["another-audience", `${audience}-admin`, ["another-audience", "third"], [], { [audience]: true }];
  return {
    ...each("iss", [...issuers, issuer.toUpperCase(), [issuer], null, "", ABSENT]),
    ...each("aud", [...audiences, `${audience.toUpperCase()}X`, null, "", ABSENT]),
    "iss and aud exchanged": { iss: audience, aud: issuer },
  };
}

function shapes({ deviceKey, customerId }: Mint): Record<string, object> {
  const spoilt = [" admin", "\r\nx-admin: 1", "\u0000", "\u007f", "\ud800", "\u202e", "е"];
  return {
    ...each("sub", [ABSENT, "", null, 7, [deviceKey], { toString: deviceKey }, "d".repeat(97)]),
    ...each(
      "sub",
      spoilt.map((tail) => deviceKey + tail),
    ),
    ...each("customer_id", [ABSENT, "", null, 7, [customerId], `${customerId}\n`]),
    ...each("jti", [ABSENT, "", 7, {}]),
  };
}

/** Dates that are no NumericDate of this age of the world. */
function dates({ now }: Mint): Record<string, object> {
  const seconds = Math.floor(now / 1000);
  const shapes = [String(seconds + 600), null, true, [seconds + 600], {}];
  return {
    ...each("exp", [...shapes, ABSENT, 1e300, Number.MAX_SAFE_INTEGER, now + 600_000]),
    ...each("iat", [...shapes, ABSENT]),
    ...each("nbf", [...shapes, seconds + 3600, 1e300]),
    "iat an hour ahead": { iat: seconds + 3600, exp: seconds + 4200 },
    "exp before iat": { iat: seconds, exp: seconds - 7200, nbf: "now" },
  };
}

function times({ now }: Mint): { readonly name: string; readonly change: object; readonly reason?: "expired" }[] {
  const seconds = Math.floor(now / 1000);
  return [
    { name: "exp an hour ago", change: { iat: seconds - 4200, exp: seconds - 3600 }, reason: "expired" },
    { name: "exp an hour ago, iat now", change: { exp: seconds - 3600 } },
    ...[0, -1, -1e300].map((exp) => ({ name: `exp ${exp}`, change: { exp } })),
  ];
}

function objects(mint: Mint): Record<string, string> {
  const claims = claimsOf(mint);
  const text = JSON.stringify(claims);
  const dated = (exp: string): string => JSON.stringify({ ...claims, exp: "EXP" }).replace('"EXP"', exp);
  const { sub: _, ...anonymous } = claims;
  const texts = {
    "in __proto__": `{"__proto__":${text}}`,
    "sub in __proto__": `{"__proto__":{"sub":"admin"},${JSON.stringify(anonymous).slice(1)}`,
    "in constructor.prototype": `{"constructor":{"prototype":${text}}}`,
    "a trailing comma": `${text.slice(0, -1)},}`,
    "cut short": text.slice(0, -1),
    "more after the end": `${text}{}`,
    "a comment": `/* */${text}`,
    "single quotes": text.replaceAll('"', "'"),
    "NUL after": `${text}\u0000`,
    "a newline in a string": text.replace('"sub":"', '"sub":"\n'),
    "names in capitals": text.replace(/"(\w+)":/g, (name) => name.toUpperCase()),
  };
  const values = [`[${text}]`, JSON.stringify(text), "1", "null", "{}", "sub"];
  const numbers = ["NaN", "Infinity", "1e999", "0x7fffffff", `0${claims["exp"]}`, `+${claims["exp"]}`];
  return {
    ...Object.fromEntries(Object.entries(texts).map(([name, claim]) => [`claims: ${name}`, claim])),
    ...Object.fromEntries(values.map((value) => [`claims: ${value.slice(0, 20)}`, value])),
    ...Object.fromEntries(numbers.map((number) => [`claims: exp ${number}`, dated(number)])),
  };
}

/** Claims that are no UTF-8. */
function bytes(mint: Mint): Record<string, string> {
  const [before = "", after = ""] = JSON.stringify({ ...claimsOf(mint), x: "BYTES" }).split("BYTES");
  const signedClaims = (claims: Buffer): string => {
    const text = `${encode(JSON.stringify(headerOf(mint)))}.${encode(claims)}`;
    return `${text}.${encode(signText(mint.alg, text, mint.privateKey))}`;
  };
  const strays = [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]];
  return {
    ...Object.fromEntries(
      strays.map((stray) => [
        `claims: bytes ${stray}`,
        signedClaims(Buffer.concat([Buffer.from(before), Buffer.from(stray), Buffer.from(after)])),
      ]),
    ),
    "claims: in UTF-16": signedClaims(Buffer.from(JSON.stringify(claimsOf(mint)), "utf16le")),
  };
}
