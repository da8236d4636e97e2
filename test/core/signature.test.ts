// device_signature: the error for each mistake, and the search for the key that made it.

import { createSecretKey, randomBytes, timingSafeEqual } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readSignature } from "../../src/core/login-fields.ts";
import {
  computeSignature,
  deriveDeviceKey,
  equalSecrets,
  findHmacKey,
  secretFromText,
} from "../../src/core/signature.ts";
import { caughtError, expectHarmless } from "./caught-error.ts";

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
  test("reads 64 hex digits in any case", () => {
    fc.assert(
      fc.property(digits, (text) => {
        expect(readSignature(text).toString("hex")).toBe(text.toLowerCase());
      }),
    );
  });

  test.for([
    ["", MISSING],
    ...["SHA2-256(stdin)=", "HMAC-SHA256(stdin)=", "(stdin)=", "HMAC-SHA256(message.txt)=", "sha256="].flatMap(
      (label) => [
        [`${label} ${HEX}`, LABEL],
        [`${label} ${HEX}\n`, LABEL],
      ],
    ),
    ...[`${HEX} *stdin`, `${HEX}  -\n`].map((line) => [line, LABEL]),
    ...[BYTES.toString("base64"), BYTES.toString("base64").slice(0, -1), BYTES.toString("base64url")].map((text) => [
      text,
      BASE64,
    ]),
    ...["a", HEX.slice(0, 40), HEX.slice(1), `${HEX}0`].map((text) => [text, COUNT.replace("N", `${text.length}`)]),
    ...["0x", "0X"].map((prefix) => [prefix + HEX, PREFIX]),
    ...[` ${HEX}`, `${HEX}\n`, `${HEX}\r\n`].map((text) => [text, SPACE]),
    ...[":", " ", "-"].map((mark) => [HEX.replace(/..(?=.)/g, `$&${mark}`), SEPARATORS]),
    ...[`g${HEX.slice(1)}`, "signature", "  "].map((text) => [text, OTHER.replace("N", `${text.length}`)]),
  ])("names the mistake in %j", ([text = "", message]) => {
    const error = caughtError(() => readSignature(text));
    expect(error).toMatchObject({ message, reason: "malformed", details: { field: "device_signature" } });
  });

  test("rejects everything else, without repeating it", () => {
    const oneCharacterReplaced = fc
      .tuple(digits, fc.nat({ max: 63 }), fc.string({ unit: "binary", maxLength: 4 }))
      .map(([text, at, slip]) => text.slice(0, at) + slip + text.slice(at + 1));
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: "binary" }), fc.string({ maxLength: 120 }), oneCharacterReplaced),
        (text) => {
          fc.pre(!/^[0-9a-fA-F]{64}$/.test(text));
          const error = caughtError(() => readSignature(text));
          expectHarmless(error, text, sentences);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe("findHmacKey", () => {
  const decoy = createSecretKey(randomBytes(32));
  const keyOf = (key: string, keyId: string, purpose: "login" | "derivation" = "login") => {
    const secret = secretFromText(key);
    return { keyId, purpose, secret, notBefore: 0, expiresAt: Number.POSITIVE_INFINITY };
  };
  const keys = {
    loginKeys: ["first", "second", "third"].map((key) => keyOf(key, key)),
    derivationKeys: [keyOf("a derivation key", "derivation", "derivation")],
  };
  const find = (proof: Buffer, { deviceKey = "device", timestamp = 1620045991, live = keys } = {}) =>
    findHmacKey({ deviceKey, ...live }, decoy, (secret) =>
      timingSafeEqual(computeSignature(secret, timestamp, deviceKey), proof),
    )?.keyId;
  const sign = (key: string): Buffer => computeSignature(secretFromText(key), 1620045991, "device");

  test("finds the key that made the proof", () => {
    for (const key of ["first", "second", "third"]) expect(find(sign(key))).toBe(key);
    const own = sign(deriveDeviceKey(secretFromText("a derivation key"), "device"));
    expect(find(own)).toBe("derivation");
    expect(find(own, { deviceKey: "other" })).toBeUndefined();
    expect(find(sign("first"), { timestamp: 1620045992 })).toBeUndefined();
  });

  test("rejects the decoy's own proof, and every proof without keys", () => {
    const byDecoy = computeSignature(decoy, 1620045991, "device");
    expect(find(byDecoy)).toBeUndefined();
    expect(find(byDecoy, { live: { loginKeys: [], derivationKeys: [] } })).toBeUndefined();
  });

  test("computes the same number of proofs for any number of keys", () => {
    for (const live of [keys, { loginKeys: [], derivationKeys: [] }]) {
      let asked = 0;
      findHmacKey({ deviceKey: "device", ...live }, decoy, () => ++asked < 0);
      expect(asked).toBe(6);
    }
  });

  test("a signature with one wrong bit is wrong", () => {
    for (let bit = 0; bit < 256; bit++) {
      const changed = sign("first");
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(find(changed)).toBeUndefined();
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
