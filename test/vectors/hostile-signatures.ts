// Hostile signatures: over good claims, stripped, spelt otherwise, or made up (RFC 7515, 5.2; RFC 8725, 3.2 and 3.4).

import { sign } from "node:crypto";
import { claimsOf, encode, type Forgery, goodToken, headerOf, invalid, type Mint, signed, signText } from "./forge.ts";

/** The order of P-256's base point, and of Ed25519's (FIPS 186-5; RFC 8032, 5.1). */
const P256_ORDER = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const ED25519_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

export function hostileSignatures(mint: Mint): Forgery[] {
  const [header = "", claims = "", signature = ""] = goodToken(mint).split(".");
  const text = `${header}.${claims}`;
  const decoded = [header, claims].map((part) => Buffer.from(part, "base64url").toString()).join("");
  const others = [claims, decoded].map((part) => encode(signText(mint.alg, part, mint.privateKey)));
  const values = [...spellings(signature), ...valuesOf(signature, text, mint).map(encode), ...others];
  return invalid({
    ...Object.fromEntries(values.map((value, at) => [`signature ${at}: ${value.slice(0, 20)}`, `${text}.${value}`])),
    ...alphabet(mint),
    "signature: none, and no dot": text,
    "signature: of other claims": `${header}.${encode(JSON.stringify({ ...claimsOf(mint), sub: "another-device" }))}.${signature}`,
    "signature: of another header": `${encode(JSON.stringify({ ...headerOf(mint), x: 1 }))}.${claims}.${signature}`,
  });
}

/** Spellings that decode to the right signature, or to much of it. */
function spellings(signature: string): string[] {
  const cut = ["", signature.slice(0, -1), signature.slice(0, signature.length / 2)];
  const inserted = ["!", "\u0101"].map((mark) => `${signature.slice(0, 9)}${mark}${signature.slice(9)}`);
  const more = ["\u0000", "A", signature, `.${signature}`].map((tail) => signature + tail);
  return [...cut, ...inserted, ...more, Buffer.from(signature, "base64url").toString("hex")];
}

/** Other values of the signature, well spelt. */
function valuesOf(signature: string, text: string, mint: Mint): Buffer[] {
  const right = Buffer.from(signature, "base64url");
  const [zeros, zero] = [Buffer.alloc(right.length), Buffer.alloc(1)];
  const [first, second] = [right.subarray(0, 32), right.subarray(32)];
  const values = [0, right.length - 1].map((at) => flip(right, at));
  values.push(right.subarray(0, -1), right.subarray(1), Buffer.concat([right, zero]), Buffer.concat([zero, right]));
  values.push(zeros, zero, Buffer.alloc(right.length, 0xff), flip(zeros, right.length - 1));
  values.push(Buffer.from(right).reverse(), Buffer.alloc(512, 7));
  const half = Buffer.alloc(32);
  if (mint.alg === "ES256") {
    const order = Buffer.from(P256_ORDER, "hex");
    for (const pair of [
      [half, second],
      [first, half],
      [order, order],
      [order, flip(half, 31)],
    ]) {
      values.push(Buffer.concat(pair));
    }
    values.push(sign("sha256", Buffer.from(text), mint.privateKey));
  }
  if (mint.alg === "EdDSA") {
    const identity = flip(half, 0);
    for (const pair of [
      [first, addOrder(second)],
      [identity, half],
      [half, second],
      [second, first],
    ]) {
      values.push(Buffer.concat(pair));
    }
  }
  return values;
}

function flip(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[at] = (bytes[at] ?? 0) ^ 1;
  return changed;
}

/** A number in little endian and the order of Ed25519: the same signature where that is not checked. */
function addOrder(bytes: Buffer): Buffer {
  const value = BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`) + ED25519_ORDER;
  return Buffer.from(value.toString(16).padStart(64, "0"), "hex").reverse();
}

/** The right signature in the alphabet of plain base64; of claims whose signature shows the difference. */
function alphabet(mint: Mint): Record<string, string> {
  for (let count = 0; ; count += 1) {
    const [header, claims, signature = ""] = signed(mint, headerOf(mint), { ...claimsOf(mint), count }).split(".");
    if (!/[-_]/.test(signature)) continue;
    const plain = signature.replaceAll("-", "+").replaceAll("_", "/");
    return { "signature: in plain base64": `${header}.${claims}.${plain}` };
  }
}
