// Hostile signatures over valid claims: missing, in another encoding, or made up (RFC 7515, 5.2; RFC 8725, 3.2 and 3.4).

import { sign } from "node:crypto";
import { claimsOf, encode, encodeJson, headerOf, type Mint, signed, signText, validToken } from "./forge.ts";

/** The order of P-256's base point, and of Ed25519's (FIPS 186-5; RFC 8032, 5.1). */
const P256_ORDER = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const ED25519_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

export function hostileSignatures(mint: Mint): Record<string, string> {
  const [header = "", claims = "", signature = ""] = validToken(mint).split(".");
  const right = Buffer.from(signature, "base64url");
  const values = {
    ...wrongValues(right),
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

/** Wrong values of the signature in the right encoding. */
function wrongValues(right: Buffer): Record<string, Uint8Array> {
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
