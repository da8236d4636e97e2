// device_signature: every mistake by its name, and the search for the key that made it.

import { createSecretKey, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  computeSignature,
  deriveDeviceKey,
  equalSecrets,
  findProvingKey,
  readSignature,
  secretFromText,
} from "../../src/core/signature.ts";
import { expectHarmless, refusalOf } from "./refusal.ts";

const HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const BYTES = Buffer.from(HEX, "hex");

const LABEL = "device_signature carries what openssl or sha256sum prints around it. Send the 64 hex digits alone";
const SPACE = "device_signature has white space around it. Send the 64 hex digits alone";
const PREFIX = "device_signature starts with 0x. Send the 64 hex digits alone";
const BASE64 = "device_signature looks like base64. Send the HMAC as 64 hex digits";
const SEPARATORS = "device_signature has separators between its bytes. Send 64 hex digits with nothing between them";
const MISSING = "device_signature is missing or empty";
const COUNT = "device_signature has N hex digits. HMAC-SHA256 gives 64";
const OTHER = "device_signature is not hex. Send the HMAC-SHA256 as 64 hex digits (this has N characters)";
const sentences = [LABEL, SPACE, PREFIX, BASE64, SEPARATORS, MISSING, COUNT, OTHER];

const digits = fc.stringMatching(/^[0-9a-fA-F]{64}$/);

describe("readSignature", () => {
  test("takes 64 hex digits in any mixture of cases, and gives the bytes", () => {
    fc.assert(
      fc.property(digits, (text) => {
        expect(readSignature(text).toString("hex")).toBe(text.toLowerCase());
      }),
    );
  });

  test.for([
    { mistake: "empty", text: "", message: MISSING },
    { mistake: "openssl 3's label", text: `SHA2-256(stdin)= ${HEX}`, message: LABEL },
    { mistake: "openssl 3's label for -hmac", text: `HMAC-SHA2-256(stdin)= ${HEX}`, message: LABEL },
    { mistake: "openssl 1's label", text: `(stdin)= ${HEX}`, message: LABEL },
    { mistake: "the label of openssl 1 with -hmac", text: `HMAC-SHA256(stdin)= ${HEX}`, message: LABEL },
    { mistake: "the whole line of openssl", text: `SHA2-256(stdin)= ${HEX}\n`, message: LABEL },
    { mistake: "a file's label", text: `HMAC-SHA256(message.txt)= ${HEX}`, message: LABEL },
    { mistake: "base64", text: BYTES.toString("base64"), message: BASE64 },
    { mistake: "base64 without padding", text: BYTES.toString("base64").replace("=", ""), message: BASE64 },
    { mistake: "base64url", text: BYTES.toString("base64url"), message: BASE64 },
    { mistake: "63 digits", text: HEX.slice(1), message: COUNT.replace("N", "63") },
    { mistake: "65 digits", text: `${HEX}0`, message: COUNT.replace("N", "65") },
    { mistake: "one digit", text: "a", message: COUNT.replace("N", "1") },
    { mistake: "a SHA-1", text: HEX.slice(0, 40), message: COUNT.replace("N", "40") },
    { mistake: "0x before it", text: `0x${HEX}`, message: PREFIX },
    { mistake: "0X before it", text: `0X${HEX}`, message: PREFIX },
    { mistake: "a space before it", text: ` ${HEX}`, message: SPACE },
    { mistake: "a line feed after it", text: `${HEX}\n`, message: SPACE },
    { mistake: "a carriage return after it", text: `${HEX}\r\n`, message: SPACE },
    { mistake: "colons", text: BYTES.toString("hex").replace(/..(?=.)/g, "$&:"), message: SEPARATORS },
    { mistake: "spaces between bytes", text: HEX.replace(/..(?=.)/g, "$& "), message: SEPARATORS },
    { mistake: "dashes between bytes", text: HEX.replace(/..(?=.)/g, "$&-"), message: SEPARATORS },
    { mistake: "a letter that is no digit", text: `g${HEX.slice(1)}`, message: OTHER.replace("N", "64") },
    { mistake: "a word", text: "signature", message: OTHER.replace("N", "9") },
    { mistake: "blank", text: "  ", message: OTHER.replace("N", "2") },
  ])("names the mistake: $mistake", ({ text, message }) => {
    const refusal = refusalOf(() => readSignature(text));
    expect(refusal.message).toBe(message);
    expect(refusal.reason).toBe("malformed");
    expect(refusal.details).toEqual({ field: "device_signature" });
  });

  test("refuses whatever is not 64 hex digits, with a sentence that repeats none of it", () => {
    const almost = fc
      .tuple(digits, fc.nat({ max: 63 }), fc.string({ unit: "binary", maxLength: 4 }))
      .map(([text, at, slip]) => text.slice(0, at) + slip + text.slice(at + 1));
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.string({ maxLength: 120 }), almost), (text) => {
        fc.pre(!/^[0-9a-fA-F]{64}$/.test(text));
        expectHarmless(
          refusalOf(() => readSignature(text)),
          text,
          sentences,
        );
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("findProvingKey", () => {
  const decoy = createSecretKey(randomBytes(32));
  const keyOf = (key: string, keyId: string, purpose: "login" | "derivation" = "login") => {
    const secret = secretFromText(key);
    return { keyId, purpose, secret, notBefore: 0, expiresAt: Number.POSITIVE_INFINITY };
  };
  /** The place of the key that is found; -1 for none. */
  const find = (keys: readonly string[], proof: Buffer, timestamp = 1620045991, deviceKey = "device"): number => {
    const loginKeys = keys.map((key, place) => keyOf(key, String(place)));
    return Number(findProvingKey({ deviceKey, loginKeys, derivationKeys: [] }, decoy, timestamp, proof)?.keyId ?? -1);
  };

  test("finds the key that a device's own derives from, beside login keys", () => {
    const proof = computeSignature(
      secretFromText(deriveDeviceKey(secretFromText("a derivation key"), "device")),
      1620045991,
      "device",
    );
    const keys = { loginKeys: [keyOf("first", "l")], derivationKeys: [keyOf("a derivation key", "d", "derivation")] };
    expect(findProvingKey({ deviceKey: "device", ...keys }, decoy, 1620045991, proof)?.keyId).toBe("d");
    expect(findProvingKey({ deviceKey: "other", ...keys }, decoy, 1620045991, proof)).toBeUndefined();
  });

  test("finds whichever key made the proof", () => {
    const keys = ["first", "second", "third"];
    for (const [place, key] of keys.entries()) {
      expect(find(keys, computeSignature(secretFromText(key), 1620045991, "device"))).toBe(place);
    }
  });

  test("does not take the decoy's own proof, nor anything when there is no key", () => {
    const byDecoy = computeSignature(decoy, 1620045991, "device");
    expect(find([], byDecoy)).toBe(-1);
    expect(find(["first"], byDecoy)).toBe(-1);
  });

  test("a proof is good for its own key, timestamp and device alone", () => {
    const name = fc.stringMatching(/^[\x21-\x7e]{1,96}$/);
    const time = fc.nat({ max: 2 ** 31 });
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), time, time, name, name, (...sample) => {
        const [key, otherKey, timestamp, otherTimestamp, device, otherDevice] = sample;
        const proof = computeSignature(secretFromText(key), timestamp, device);
        expect(find([key], proof, timestamp, device)).toBe(0);
        // HMAC pads a key with zero bytes up to its block: "k" and "k\0" are one key.
        const padded = (text: string): string => text.replace(/\0+$/, "");
        expect(find([otherKey], proof, timestamp, device)).toBe(padded(otherKey) === padded(key) ? 0 : -1);
        const sameMessage = `${otherTimestamp}${otherDevice}` === `${timestamp}${device}`;
        expect(find([key], proof, otherTimestamp, otherDevice)).toBe(sameMessage ? 0 : -1);
      }),
    );
  });

  test("one bit off is wrong", () => {
    const proof = computeSignature(secretFromText("key"), 1620045991, "device");
    for (let bit = 0; bit < 256; bit++) {
      const off = Buffer.from(proof);
      off.writeUInt8(proof.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(find(["key"], off)).toBe(-1);
    }
  });
});

test("equalSecrets compares text of any lengths", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (one, other) => {
      expect(equalSecrets(one, other)).toBe(one === other);
      expect(equalSecrets(one, one)).toBe(true);
    }),
  );
});
