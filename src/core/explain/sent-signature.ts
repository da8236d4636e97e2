// A signature as a device wrote it: which MAC it is, and how it was written. Knows no key.

import { AuthError } from "../errors.ts";
import { readSignature } from "../signature.ts";
import { type Finding, finding } from "./findings.ts";

export interface SentSignature {
  /** Undefined: nothing is wrong with its form. */
  readonly mistake: Finding | undefined;
  /** The hash functions that give a MAC of this length, SHA-256 apart. */
  readonly otherHashes: readonly string[];
  /**
   * Is this the MAC that was sent, and how was it written? Undefined: it is another.
   * @param mac in small hex digits
   */
  readonly recognise: (mac: string) => readonly Finding[] | undefined;
}

const HEX = /^[0-9a-f]+$/i;
/** What openssl dgst, openssl dgst -r and sha256sum print. */
const LABELS = [/^[\w-]*\([^)]*\)\s*=\s*(\S+)\s*$/, /^[\w-]+\s*=\s*(\S+)\s*$/, /^([0-9a-f]{32,128})\s+[*-]?\S*\s*$/i];
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;
/** So many digits are taken for a piece of a MAC: 64 bits do not agree by chance. */
const LEAST_DIGITS = 16;
const LONGEST = 1024;

/** Reads the text of a signature. @returns undefined where there is no MAC to be made out, but for `mistake` */
export function readSentSignature(text: string): SentSignature | { readonly mistake: Finding } {
  const shape = shapeOf(text);
  const written = text.length > LONGEST ? undefined : decode(text);
  if (written === undefined) return { mistake: shape ?? finding("signature_shape", "device_signature is not hex") };
  return {
    mistake: written.mistake ?? shape,
    otherHashes: OTHER_HASHES[written.digits.length] ?? [],
    recognise: createRecogniser(written.digits),
  };
}

/** What the login's own reader has to say. */
function shapeOf(text: string): Finding | undefined {
  try {
    readSignature(text);
    return undefined;
  } catch (error) {
    if (error instanceof AuthError) return finding("signature_shape", error.message);
    throw error;
  }
}

interface Written {
  readonly digits: string;
  readonly mistake: Finding | undefined;
}

/** The hex digits that are meant. */
function decode(text: string): Written | undefined {
  if (HEX.test(text)) return decodeTwice(text.toLowerCase());
  const trimmed = text.trim();
  if (HEX.test(trimmed)) return { digits: trimmed.toLowerCase(), mistake: finding("signature_white_space") };
  for (const label of LABELS) {
    const digits = label.exec(trimmed)?.[1];
    if (digits !== undefined && HEX.test(digits)) {
      return { digits: digits.toLowerCase(), mistake: finding("openssl_label") };
    }
  }
  const quoted = /^b?(["'])([0-9a-f]+)\1$/i.exec(trimmed)?.[2];
  if (quoted !== undefined) return { digits: quoted.toLowerCase(), mistake: finding("signature_quotes") };
  const prefixed = /^0x([0-9a-f]+)$/i.exec(trimmed)?.[1];
  if (prefixed !== undefined) return { digits: prefixed.toLowerCase(), mistake: finding("hex_prefix") };
  const joined = trimmed.replace(/0x|\\x|[\s:,[\]{}()<>_-]/gi, "");
  if (joined.length === 64 && HEX.test(joined)) {
    return { digits: joined.toLowerCase(), mistake: finding("signature_separators") };
  }
  return decodeBase64(trimmed);
}

/** Hex digits that are themselves the hex of hex digits. */
function decodeTwice(digits: string): Written {
  const inner = digits.length === 128 ? Buffer.from(digits, "hex").toString("latin1") : "";
  return HEX.test(inner)
    ? { digits: inner.toLowerCase(), mistake: finding("double_hex") }
    : { digits, mistake: undefined };
}

const MAC_BYTES: readonly number[] = [16, 20, 28, 32, 48, 64];

function decodeBase64(text: string): Written | undefined {
  // What was base64 in a form has spaces where the plus signs were.
  const base64 = text.replaceAll(" ", "+").replace(/\s/g, "");
  if (!BASE64.test(base64)) return undefined;
  const bytes = Buffer.from(base64, "base64");
  const inner = bytes.toString("latin1").trim();
  if (inner.length === 64 && HEX.test(inner)) {
    return { digits: inner.toLowerCase(), mistake: finding("base64_of_hex") };
  }
  if (!MAC_BYTES.includes(bytes.length)) return undefined;
  return { digits: bytes.toString("hex"), mistake: finding("base64") };
}

/** By hex digits. SHA-512 and SHA-3 come in SHA-256's length too. */
const OTHER_HASHES: Readonly<Record<number, readonly string[]>> = {
  32: ["md5"],
  40: ["sha1"],
  56: ["sha224"],
  64: ["sha512", "sha512-256", "sha3-256"],
  96: ["sha384"],
  128: ["sha512"],
};

function createRecogniser(digits: string): SentSignature["recognise"] {
  if (digits.length === 64) return recogniseWhole(digits);
  if (digits.length < LEAST_DIGITS) return () => undefined;
  if (digits.length < 64) {
    return (mac) => {
      if (mac === digits) return [];
      if (mac.length !== 64) return undefined;
      if (mac.startsWith(digits)) return [finding("signature_truncated", digits.length, "first")];
      if (mac.endsWith(digits)) return [finding("signature_truncated", digits.length, "last")];
      // Looked at closely only where the first digit agrees, since it takes its time.
      if (digits[0] !== (mac.startsWith("0") ? mac[1] : mac[0])) return undefined;
      return withoutZeros(mac) === digits ? [finding("hex_without_zeros")] : undefined;
    };
  }
  return (mac) => {
    if (mac === digits) return [];
    if (mac.length !== 64) return undefined;
    if (digits.startsWith(mac)) return [finding("signature_too_long", digits.length - 64)];
    return digits.includes("ffffff") && signExtended(mac) === digits ? [finding("sign_extended_hex")] : undefined;
  };
}

function recogniseWhole(digits: string): SentSignature["recognise"] {
  const bytes = Buffer.from(digits, "hex");
  const known = new Map<string, readonly Finding[]>([
    [Buffer.from(bytes).reverse().toString("hex"), [finding("byte_order", "in reverse")]],
    [Buffer.from(bytes).swap32().toString("hex"), [finding("byte_order", "swapped in words of four")]],
    [digits, []],
  ]);
  // The longer functions are cut to this length.
  return (mac) => known.get(mac.length === 64 ? mac : mac.slice(0, 64));
}

function withoutZeros(mac: string): string {
  return mac.replace(/0(.)|(..)/g, "$1$2");
}

function signExtended(mac: string): string {
  return mac.replace(/../g, (byte) => (byte >= "80" ? `ffffff${byte}` : byte));
}
