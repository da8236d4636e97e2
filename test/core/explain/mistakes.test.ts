// Every known single mistake of firmware, each in one login.

import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  boardKey,
  bodyOf,
  type Case,
  codesOf,
  DERIVED,
  explain,
  HEX,
  hmac,
  KEYS,
  MAC,
  MOVING,
  RIGHT,
  SECONDS,
  SECRETS,
  SHARED,
  signed,
} from "./desk.ts";
import { tellsThat } from "./tells.ts";

const { login } = SECRETS;

describe("the body", () => {
  const body = bodyOf({});
  const sample = (code: string, text: string): Case & { mistake: string; codes: string[] } => ({
    mistake: code,
    body: text,
    codes: [code, "signature_right"],
  });
  tellsThat([
    sample("missing_comma", body.replace(`${SECONDS},`, `${SECONDS}\n`)),
    sample("trailing_comma", body.replace("}", ",}")),
    sample("field_name", body.replace("device_signature", "device-signature")),
    {
      mistake: "the PHP sample",
      body: body.replace("device_signature", "device-signature").replace("}", ",\n}"),
      codes: ["trailing_comma", "field_name", "signature_right"],
    },
    {
      mistake: "the shell sample",
      body: bodyOf({ signature: `SHA2-256(stdin)= ${HEX}` }).replace(`${SECONDS},`, `${SECONDS} `),
      codes: ["missing_comma", "openssl_label", "signature_right"],
    },
    {
      mistake: "the JavaScript sample with Date.now()",
      body: bodyOf({ timestamp: `${SECONDS}123` }),
      codes: ["milliseconds", "signed_as_sent"],
    },
    { mistake: "single quotes", body: body.replaceAll('"', "'"), codes: ["malformed"] },
    { mistake: "no signature", body: `{"device_key":"${SHARED}","timestamp":${SECONDS}}`, codes: ["missing_field"] },
    { mistake: "nothing", body: "", codes: ["malformed"] },
    { mistake: "an array", body: "[1]", codes: ["malformed"] },
    { mistake: "too many bytes", body: " ".repeat(5000), codes: ["too_large"] },
    { mistake: "bytes that are not UTF-8", body: Uint8Array.of(0x7b, 0xff, 0x7d), codes: ["malformed"] },
    {
      mistake: "a space before the device_key",
      body: bodyOf({ deviceKey: ` ${SHARED}` }),
      codes: ["device_key_shape", "other_device_key", "signature_right"],
    },
  ]);

  test("a mistake in the JSON has its line and column", async () => {
    const { findings } = await explain({ body: body.replace("}", ",}") });
    expect(findings[0]?.message).toMatch(/line 1 column \d+. There is a trailing comma/);
  });
});

describe("the timestamp", () => {
  tellsThat([
    ...["123", "123456", "123456789"].map((finer) => ({
      mistake: `${finer.length} digits more`,
      body: bodyOf({ timestamp: `${SECONDS}${finer}`, signature: HEX }),
      codes: ["milliseconds", "signature_right"],
    })),
    {
      mistake: "a fraction",
      body: bodyOf({ timestamp: `${SECONDS}.25` }),
      codes: ["fraction", "signed_as_sent"],
    },
    {
      mistake: "a date",
      body: bodyOf({ timestamp: '"2025-11-24T16:00:00Z"', signature: HEX }),
      codes: ["date_string", "signature_right"],
    },
    {
      mistake: "leading zeros",
      body: bodyOf({ timestamp: `"00${SECONDS}"`, signature: HEX }),
      codes: ["timestamp_shape", "signature_right"],
    },
    { mistake: "a word", body: bodyOf({ timestamp: '"now"' }), codes: ["timestamp_shape", "no_known_mistake"] },
    { mistake: "a clock in 1970", body: bodyOf({ timestamp: 12345 }), codes: ["clock_never_set", "signature_right"] },
    {
      mistake: "a late clock",
      body: bodyOf({ timestamp: SECONDS - 8_280 }),
      codes: ["clock_behind", "signature_right"],
    },
    { mistake: "a fast clock", body: bodyOf({ timestamp: SECONDS + 400 }), codes: ["clock_ahead", "signature_right"] },
    { mistake: "a time zone", body: bodyOf({ timestamp: SECONDS + 7_200 }), codes: ["time_zone", "signature_right"] },
  ]);
});

describe("the signature as it is written", () => {
  const written = (signature: string, ...codes: readonly string[]): Case & { mistake: string; codes: string[] } => ({
    mistake: signature.slice(0, 30),
    body: bodyOf({ signature }),
    codes: [...codes],
  });
  tellsThat([
    ...[
      `SHA2-256(stdin)= ${HEX}`,
      `HMAC-SHA2-256(stdin)= ${HEX}\n`,
      `(stdin)= ${HEX}`,
      `${HEX} *stdin`,
      `${HEX}  -`,
    ].map((signature) => written(signature, "openssl_label", "signature_right")),
    written(MAC.toString("base64"), "base64", "signature_right"),
    written(MAC.toString("base64url"), "base64", "signature_right"),
    ...[`0x${HEX}`, ` ${HEX}\n`, HEX.replace(/..(?=.)/g, "$&:")].map((signature) =>
      written(signature, "signature_separators", "signature_right"),
    ),
    written(HEX.slice(0, 63), "signature_shape", "signature_truncated"),
    written(`${HEX}00`, "signature_shape", "signature_too_long"),
    written([...MAC].map((byte) => byte.toString(16)).join(""), "signature_shape", "hex_without_zeros"),
    ...["md5", "sha1", "sha512"].map((hash) =>
      written(hmac(login, RIGHT, hash).toString("hex"), "signature_shape", "other_hash"),
    ),
    written("signature", "signature_shape"),
    written("0".repeat(64), "no_known_mistake"),
    written(login, "no_known_mistake", "key_sent"),
  ]);
});

describe("the key", () => {
  const own = (deviceKey: string, key: string | Buffer, code: string): Case & { mistake: string; codes: string[] } => ({
    mistake: `${code} of ${deviceKey}`,
    deviceKey,
    body: bodyOf({ deviceKey, signature: hmac(key, `${SECONDS}${deviceKey}`).toString("hex") }),
    codes: [code],
  });
  tellsThat([
    own(SHARED, SECRETS.retired, "retired_key"),
    own(SHARED, SECRETS.expired, "expired_key"),
    own(SHARED, SECRETS.pending, "pending_key"),
    own(DERIVED, login, "shared_key"),
    own(SHARED, boardKey(SHARED), "derived_key"),
    own(DERIVED, SECRETS.derivation, "derivation_key"),
    own(DERIVED, hmac(SECRETS.derivation, DERIVED).toString("hex"), "wrong_derivation"),
    own(DERIVED, boardKey(DERIVED, login), "wrong_derivation"),
    own(DERIVED, Buffer.from(boardKey(DERIVED), "hex"), "key_decoded"),
    {
      mistake: "of another board",
      deviceKey: DERIVED,
      body: bodyOf({ deviceKey: MOVING, signature: hmac(boardKey(MOVING), `${SECONDS}${MOVING}`).toString("hex") }),
      codes: ["other_device_key", "other_boards_key"],
    },
    own(SHARED, `${login}\n`, "key_line_break"),
    own(SHARED, ` ${login}`, "key_white_space"),
    own(SHARED, `"${login}"`, "key_quotes"),
    own(SHARED, `${SHARED} ${login}`, "key_label"),
    own(SHARED, Buffer.from(login, "base64"), "key_decoded"),
    own(SHARED, Buffer.from(login).toString("base64"), "key_encoded"),
    own(SHARED, login.toUpperCase(), "key_case"),
    own(SHARED, login.slice(0, 31), "key_truncated"),
    own(SHARED, login.slice(0, 16), "key_truncated"),
    // A caller who may explain logins could guess a key byte by byte.
    own(SHARED, login.slice(0, 15), "no_known_mistake"),
    own(SHARED, Buffer.from(SECRETS.login.slice(0, 30), "hex"), "no_known_mistake"),
    own(SHARED, "", "empty_key"),
    own(SHARED, "customer_key", "placeholder_key"),
    own(SHARED, SHARED, "placeholder_key"),
    own(SHARED, "a stranger's", "no_known_mistake"),
    { mistake: "none live", body: bodyOf({}), keys: [], codes: ["no_live_key", "no_known_mistake"] },
    {
      mistake: "a retired one, none live",
      body: signed(RIGHT, SECRETS.retired),
      keys: KEYS.filter(({ keyId }) => keyId === "retired"),
      codes: ["no_live_key", "retired_key"],
    },
  ]);
});

describe("the message and the function", () => {
  const message = (code: string, text: string): Case & { mistake: string; codes: string[] } => ({
    mistake: `${code} ${JSON.stringify(text)}`,
    body: signed(text),
    codes: [code],
  });
  const mac = (code: string, bytes: Buffer): Case & { mistake: string; codes: string[] } => ({
    mistake: code,
    body: bodyOf({ signature: bytes.toString("hex") }),
    codes: [code],
  });
  const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();
  tellsThat([
    message("parts_swapped", `${SHARED}${SECONDS}`),
    message("trailing_newline", `${RIGHT}\n`),
    message("trailing_byte", `${RIGHT}\0`),
    ...[" ", ":", ",", ".", "|", "\n", "_", "-"].map((mark) => message("separator", `${SECONDS}${mark}${SHARED}`)),
    message("one_part", `${SECONDS}`),
    message("one_part", SHARED),
    message("signed_body", `{"device_key":"${SHARED}","timestamp":${SECONDS}}`),
    message("signed_milliseconds", `${SECONDS}000${SHARED}`),
    message("other_timestamp", `${SECONDS + 1}${SHARED}`),
    message("signed_device_key", `${SECONDS}${SHARED.toUpperCase()}`),
    mac("key_and_message_swapped", hmac(RIGHT, login)),
    mac("plain_hash", sha256(login + RIGHT)),
    mac("plain_hash", sha256(RIGHT + login)),
  ]);
});

test("two mistakes at once are not searched for", async () => {
  expect(await codesOf({ body: signed(`${SHARED}${SECONDS}\n`) })).toEqual(["no_known_mistake"]);
});

test("shows no key and no valid signature, whatever the body", async () => {
  const secrets = [...Object.values(SECRETS), boardKey(SHARED)];
  const bodies = fc.oneof(
    fc.json(),
    fc.string({ unit: "binary" }),
    fc.constantFrom(...secrets).map((secret) => signed(RIGHT, secret)),
    fc.constantFrom(...secrets).map((signature) => bodyOf({ signature })),
    fc.tuple(fc.nat({ max: 220 }), fc.nat({ max: 3 })).map(([at, length]) => {
      const body = bodyOf({});
      return body.slice(0, at) + body.slice(at + length);
    }),
  );
  await fc.assert(
    fc.asyncProperty(bodies, async (body) => {
      const { findings } = await explain({ body });
      expect(findings.length).toBeGreaterThan(0);
      const text = JSON.stringify(findings);
      for (const secret of secrets) {
        expect(text).not.toContain(secret);
        expect(text).not.toContain(hmac(secret, RIGHT).toString("hex").slice(0, 12));
      }
    }),
    { numRuns: 200 },
  );
});
