// What is said of how a signature is written: labels, encodings, what was lost or added.

import { describe } from "vitest";
import { bodyOf, HEX, hmac, MAC, RIGHT, SECONDS, SECRETS, SHARED } from "./desk.ts";
import { tellsThat } from "./tells.ts";

describe("the signature as it is written", () => {
  const written = (signature: string): string => bodyOf({ signature });
  const signedBytes = MAC.toString("hex").replace(/../g, (byte) =>
    Number.parseInt(byte, 16) > 127 ? `ffffff${byte}` : byte,
  );
  tellsThat([
    { mistake: "openssl 3", body: written(`SHA2-256(stdin)= ${HEX}`), codes: ["openssl_label", "signature_right"] },
    {
      mistake: "openssl 3 with -hmac",
      body: written(`HMAC-SHA2-256(stdin)= ${HEX}\n`),
      codes: ["openssl_label", "signature_right"],
    },
    { mistake: "openssl 1", body: written(`(stdin)= ${HEX}`), codes: ["openssl_label", "signature_right"] },
    { mistake: "openssl -r", body: written(`${HEX} *stdin`), codes: ["openssl_label", "signature_right"] },
    { mistake: "sha256sum", body: written(`${HEX}  -`), codes: ["openssl_label", "signature_right"] },
    { mistake: "0x", body: written(`0x${HEX}`), codes: ["hex_prefix", "signature_right"] },
    { mistake: "base64", body: written(MAC.toString("base64")), codes: ["base64", "signature_right"] },
    { mistake: "base64url", body: written(MAC.toString("base64url")), codes: ["base64", "signature_right"] },
    {
      mistake: "base64 of the hex",
      body: written(Buffer.from(HEX).toString("base64")),
      codes: ["base64_of_hex", "signature_right"],
    },
    {
      mistake: "hex of the hex",
      body: written(Buffer.from(HEX).toString("hex")),
      codes: ["double_hex", "signature_right"],
    },
    {
      mistake: "colons",
      body: written(HEX.replace(/..(?=.)/g, "$&:")),
      codes: ["signature_separators", "signature_right"],
    },
    {
      mistake: "spaces",
      body: written(HEX.replace(/..(?=.)/g, "$& ")),
      codes: ["signature_separators", "signature_right"],
    },
    {
      mistake: "white space around it",
      body: written(` ${HEX}\n`),
      codes: ["signature_white_space", "signature_right"],
    },
    { mistake: "Python's bytes", body: written(`b'${HEX}'`), codes: ["signature_quotes", "signature_right"] },
    { mistake: "one digit less", body: written(HEX.slice(0, 63)), codes: ["signature_truncated"] },
    { mistake: "half of it", body: written(HEX.slice(0, 32)), codes: ["signature_truncated"] },
    { mistake: "the other half", body: written(HEX.slice(32)), codes: ["signature_truncated"] },
    { mistake: "more than it", body: written(`${HEX}00`), codes: ["signature_too_long"] },
    {
      mistake: "%x for %02x",
      body: written([...MAC].map((byte) => byte.toString(16)).join("")),
      codes: ["hex_without_zeros"],
    },
    { mistake: "signed char", body: written(signedBytes), codes: ["sign_extended_hex"] },
    { mistake: "reversed", body: written(Buffer.from(MAC).reverse().toString("hex")), codes: ["byte_order"] },
    { mistake: "swapped by words", body: written(Buffer.from(MAC).swap32().toString("hex")), codes: ["byte_order"] },
    { mistake: "SHA-1", body: written(hmac(SECRETS.login, RIGHT, "sha1").toString("hex")), codes: ["other_hash"] },
    { mistake: "MD5", body: written(hmac(SECRETS.login, RIGHT, "md5").toString("hex")), codes: ["other_hash"] },
    { mistake: "SHA-512", body: written(hmac(SECRETS.login, RIGHT, "sha512").toString("hex")), codes: ["other_hash"] },
    {
      mistake: "SHA-512, cut",
      body: written(hmac(SECRETS.login, RIGHT, "sha512").toString("hex").slice(0, 64)),
      codes: ["other_hash"],
    },
    {
      mistake: "SHA-1 of swapped parts",
      body: written(hmac(SECRETS.login, `${SHARED}${SECONDS}`, "sha1").toString("base64")),
      codes: ["base64", "parts_swapped", "other_hash"],
    },
    { mistake: "a word", body: written("signature"), codes: ["signature_shape"] },
    { mistake: "a few digits", body: written("abc"), codes: ["signature_shape", "no_known_mistake"] },
    { mistake: "zeros", body: written("0".repeat(64)), codes: ["no_known_mistake"] },
  ]);
});
