// Hostile claims, signed by the right key: wrong issuer, audience or time, missing or malformed (RFC 7519, 4.1; RFC 8725, 3.8, 3.9
// and 3.12).

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
  signText,
} from "./forge.ts";

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

function parties({ issuer, audience }: Mint): Record<string, object> {
  return {
    "iss of another": { iss: "https://attacker.example" },
    "iss with a slash after": { iss: `${issuer}/` },
    "iss in capitals": { iss: issuer.toUpperCase() },
    "iss with a longer host": { iss: `${issuer}.attacker.example` },
    "iss cut short": { iss: issuer.slice(0, -1) },
    "iss, an array": { iss: [issuer] },
    "iss, null": { iss: null },
    "iss, empty": { iss: "" },
    "no iss": { iss: ABSENT },
    "aud of another": { aud: "another-audience" },
    "aud in capitals": { aud: `${audience.toUpperCase()}X` },
    "aud with a suffix": { aud: `${audience}-admin` },
    "aud, only others": { aud: ["another-audience", "third"] },
    "aud, an empty array": { aud: [] },
    "aud, an object": { aud: { [audience]: true } },
    "aud, null": { aud: null },
    "aud, empty": { aud: "" },
    "no aud": { aud: ABSENT },
    "iss and aud exchanged": { iss: audience, aud: issuer },
  };
}

function shapes({ deviceKey, customerId }: Mint): Record<string, object> {
  return {
    "no sub": { sub: ABSENT },
    "sub, empty": { sub: "" },
    "sub, null": { sub: null },
    "sub, a number": { sub: 7 },
    "sub, an array": { sub: [deviceKey] },
    "sub, an object": { sub: { toString: deviceKey } },
    "sub, 97 characters": { sub: "d".repeat(97) },
    "sub with a space": { sub: `${deviceKey} admin` },
    "sub with a newline": { sub: `${deviceKey}\r\nx-admin: 1` },
    "sub with NUL": { sub: `${deviceKey}\u0000` },
    "sub with DEL": { sub: `${deviceKey}\u007f` },
    "sub, not ASCII": { sub: "dеvice" },
    "sub with a lone surrogate": { sub: "device\ud800" },
    "sub with a right-to-left override": { sub: "device\u202e" },
    "no customer_id": { customer_id: ABSENT },
    "customer_id, empty": { customer_id: "" },
    "customer_id, a number": { customer_id: 7 },
    "customer_id, null": { customer_id: null },
    "customer_id, an array": { customer_id: [customerId] },
    "customer_id with a newline": { customer_id: `${customerId}\n` },
    "no jti": { jti: ABSENT },
    "jti, empty": { jti: "" },
    "jti, a number": { jti: 7 },
    "jti, an object": { jti: {} },
  };
}

/** Dates that are not a plausible NumericDate. */
function dates({ now }: Mint): Record<string, object> {
  const seconds = Math.floor(now / 1000);
  const values = {
    "a string": String(seconds + 600),
    null: null,
    true: true,
    "an array": [seconds + 600],
    "an object": {},
  };
  const shaped = ["exp", "iat", "nbf"].flatMap((name) =>
    Object.entries(values).map(([kind, value]) => [`${name}, ${kind}`, { [name]: value }]),
  );
  return {
    ...Object.fromEntries(shaped),
    "no exp": { exp: ABSENT },
    "no iat": { iat: ABSENT },
    "exp, huge": { exp: 1e300 },
    "exp, the last safe integer": { exp: Number.MAX_SAFE_INTEGER },
    "exp in milliseconds": { exp: now + 600_000 },
    "iat an hour ahead": { iat: seconds + 3600, exp: seconds + 4200 },
    "nbf an hour ahead": { nbf: seconds + 3600 },
    "nbf, huge": { nbf: 1e300 },
    "exp before iat": { iat: seconds, exp: seconds - 7200, nbf: "now" },
  };
}

function times({ now }: Mint): { readonly name: string; readonly change: object; readonly reason?: "expired" }[] {
  const seconds = Math.floor(now / 1000);
  return [
    { name: "exp an hour ago", change: { iat: seconds - 4200, exp: seconds - 3600 }, reason: "expired" },
    { name: "exp ten minutes ago", change: { iat: seconds - 1200, exp: seconds - 600 }, reason: "expired" },
    { name: "exp an hour ago, iat now", change: { exp: seconds - 3600 } },
    { name: "exp zero", change: { exp: 0 } },
    { name: "exp negative", change: { exp: -1 } },
    { name: "exp, hugely negative", change: { exp: -1e300 } },
    { name: "exp, minus zero", change: { iat: 0, exp: -0 } },
  ];
}

function objects(mint: Mint): Record<string, string> {
  const claims = claimsOf(mint);
  const text = JSON.stringify(claims);
  const dated = (exp: string): string => JSON.stringify({ ...claims, exp: "EXP" }).replace('"EXP"', exp);
  return {
    "claims: all in __proto__": `{"__proto__":${text}}`,
    "claims: sub in __proto__": `{"__proto__":{"sub":"admin"},${JSON.stringify({ ...claims, sub: ABSENT }).slice(1)}`,
    "claims: all in constructor.prototype": `{"constructor":{"prototype":${text}}}`,
    "claims: an array": `[${text}]`,
    "claims: a string": JSON.stringify(text),
    "claims: a number": "1",
    "claims: null": "null",
    "claims: empty": "{}",
    "claims: not JSON": "sub",
    "claims: exp NaN": dated("NaN"),
    "claims: exp Infinity": dated("Infinity"),
    "claims: exp beyond doubles": dated("1e999"),
    "claims: exp in hex": dated("0x7fffffff"),
    "claims: exp with a leading zero": dated(`0${claims["exp"]}`),
    "claims: exp with a plus": dated(`+${claims["exp"]}`),
    "claims: a trailing comma": `${text.slice(0, -1)},}`,
    "claims: cut short": text.slice(0, -1),
    "claims: more after the end": `${text}{}`,
    "claims: a comment": `/* */${text}`,
    "claims: single quotes": text.replaceAll('"', "'"),
    "claims: NUL after": `${text}\u0000`,
    "claims: a no-break space": `${text}\u00a0`,
    "claims: a newline in a string": text.replace('"sub":"', '"sub":"\n'),
    "claims: names in capitals": JSON.stringify(
      Object.fromEntries(Object.entries(claims).map(([name, value]) => [name.toUpperCase(), value])),
    ),
  };
}

/** Claims that are not UTF-8. */
function bytes(mint: Mint): Record<string, string> {
  const [before = "", after = ""] = JSON.stringify({ ...claimsOf(mint), x: "BYTES" }).split("BYTES");
  const signedBytes = (claims: Buffer): string => {
    const text = `${encodeJson(headerOf(mint))}.${encode(claims)}`;
    return `${text}.${encode(signText(mint.alg, text, mint.privateKey))}`;
  };
  const withBytes = (bytes: readonly number[]): string =>
    signedBytes(Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]));
  return {
    "claims: a stray byte ff": withBytes([0xff]),
    "claims: an overlong NUL": withBytes([0xc0, 0x80]),
    "claims: a surrogate in UTF-8": withBytes([0xed, 0xa0, 0x80]),
    "claims: a sequence cut short": withBytes([0xe2, 0x82]),
    "claims: in UTF-16": signedBytes(Buffer.from(JSON.stringify(claimsOf(mint)), "utf16le")),
  };
}
