// Hostile claims, signed by the right key: wrong issuer, audience or time, missing or malformed (RFC 7519, 4.1; RFC 8725, 3.8, 3.9
// and 3.12).

import { claimsOf, headerOf, type Json, type Mint, signed, withWrongValues } from "./forge.ts";

export function hostileClaims(mint: Mint): Record<string, string> {
  const claims = Object.entries(wholeClaims(mint)).map(
    ([name, json]) => [name, signed(mint, headerOf(mint), json)] as const,
  );
  return { ...withWrongValues(mint, "claims", wrongValues(mint)), ...Object.fromEntries(claims) };
}

function wrongValues({ issuer, audience, deviceKey, customerId, now }: Mint): Record<string, readonly unknown[]> {
  const seconds = Math.floor(now / 1000);
  const noDates = [String(seconds + 600), null, true, [seconds + 600], {}];
  const otherIssuers = [
    `${issuer}/`,
    issuer.toUpperCase(),
    `${issuer}.attacker.example`,
    issuer.slice(0, -1),
    audience,
  ];
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
