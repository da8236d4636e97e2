// The findings about a login: nothing wrong, the device, and every known single mistake of firmware.

import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { explainClock, inWords } from "../../src/core/explain/findings.ts";
import type { CustomerSecret } from "../../src/core/registry/ports.ts";
import {
  boardKey,
  bodyBy,
  bodyOf,
  type Case,
  DERIVED,
  type Expectation,
  expecting,
  explain,
  HEX,
  hmac,
  KEYS,
  MAC,
  MOVING,
  NOW,
  RIGHT,
  SECONDS,
  SECRETS,
  SHARED,
  SKEW,
  signed,
  testFindings,
} from "./explain/cases.ts";

const { login } = SECRETS;

describe("a login with nothing wrong", () => {
  const camel = bodyOf({}).replace("device_key", "deviceKey").replace("device_signature", "deviceSignature");
  test.for<readonly [string, Case, ...string[]]>([
    ["by the shared key", { body: bodyOf({}) }],
    ["in upper case", { body: bodyOf({ signature: HEX.toUpperCase() }) }],
    ["with the timestamp in a string", { body: bodyOf({ timestamp: `"${SECONDS}"`, signature: HEX }) }],
    ["in camelCase", { body: camel }],
    ["by an older key that is valid", { body: signed(RIGHT, SECRETS.older) }, "older_key"],
    ["by a board's own key", { deviceKey: DERIVED, body: bodyBy(DERIVED, boardKey(DERIVED)) }],
    ["by its own key while it is moving", { deviceKey: MOVING, body: bodyBy(MOVING, boardKey(MOVING)) }],
    ["by the shared key while it is moving", { deviceKey: MOVING, body: bodyOf({ deviceKey: MOVING }) }, "moving"],
    ["long ago, when it was received", { body: bodyOf({ timestamp: 1_700_000_000 }), receivedAt: 1_700_000_100_000 }],
  ])("%s", async ([, received, ...codes]) => {
    const { wouldSucceed, findings } = await explain(received);
    expect([wouldSucceed, ...findings.map(({ code }) => code)]).toEqual([true, "nothing_wrong", ...codes]);
  });

  test("mentions the replay guard where it applies", async () => {
    const [plain, guarded] = await Promise.all([
      explain({ body: bodyOf({}) }),
      explain({ body: bodyOf({}), device: { replayGuard: true } }),
    ]);
    expect(plain.findings[0]?.message).not.toContain("used before");
    expect(guarded.findings[0]?.message).toContain("the same timestamp was used before");
  });
});

describe("the device", () => {
  const DISABLED = { status: "disabled" } as const;
  testFindings([
    { ...expecting("unknown", bodyOf({ deviceKey: "nobody" }), "unknown_device"), deviceKey: "nobody" },
    expecting("another in the body", bodyOf({ deviceKey: DERIVED }), "other_device_key"),
    expecting("in upper case", bodyOf({ deviceKey: SHARED.toUpperCase(), signature: HEX }), "other_device_key"),
    { ...expecting("disabled", bodyOf({}), "device_disabled", "signature_right"), device: DISABLED },
    { ...expecting("disabled, signed wrongly", signed("x"), "device_disabled", "no_known_mistake"), device: DISABLED },
    { ...expecting("its customer disabled", bodyOf({}), "customer_disabled", "signature_right"), customer: DISABLED },
  ]);

  test("an impossible device_key is malformed, with the field", async () => {
    await expect(explain({ deviceKey: "", body: "{}" })).rejects.toMatchObject({
      reason: "malformed",
      details: { field: "device_key" },
    });
  });
});

test.for([
  { when: "a mistake is found", body: bodyOf({}) },
  { when: "none is", body: signed("x") },
])("the secrets are overwritten when $when", async ({ body }) => {
  const passedKeys: CustomerSecret[] = [];
  await explain({ body, passedKeys });
  expect(passedKeys).toHaveLength(KEYS.length);
  for (const { secret } of passedKeys) expect(secret.every((byte) => byte === 0)).toBe(true);
});

describe("the body", () => {
  const body = bodyOf({});
  const form = (mistake: string, text: string, message: RegExp, ...codes: readonly string[]): Expectation => ({
    ...expecting(mistake, text, "malformed", ...codes),
    message,
  });
  const hyphened = body.replace("device_signature", "device-signature");
  testFindings([
    form("the curl sample", body.replace(`${SECONDS},`, `${SECONDS}\n`), /line 2 column 2. A comma/, "signature_right"),
    form("a comma too many", body.replace("}", ",}"), /line 1 column \d+. There is a trailing/, "signature_right"),
    form("a hyphen in a name", hyphened, /device_signature.*device-signature/, "signature_right"),
    form("the PHP sample", hyphened.replace("}", ",\n}"), /trailing comma/, "malformed", "signature_right"),
    form("the sample with Date.now()", bodyOf({ timestamp: `${SECONDS}123` }), /in milliseconds/, "signed_as_sent"),
    form("single quotes", body.replaceAll('"', "'"), /single quotes/),
    form("no signature", `{"device_key":"${SHARED}","timestamp":${SECONDS}}`, /device_signature is missing/),
    form("too many bytes", " ".repeat(5000), /5000 bytes/),
    form("a space before the device_key", bodyOf({ deviceKey: ` ${SHARED}` }), /at position 1/, "other_device_key"),
    form("microseconds", bodyOf({ timestamp: `${SECONDS}123456`, signature: HEX }), /microseconds/, "signature_right"),
    form("a fraction", bodyOf({ timestamp: `${SECONDS}.25` }), /a fraction/, "signed_as_sent"),
    form("a date", bodyOf({ timestamp: '"2025-11-24T16:00:00Z"' }), /not a whole number/, "no_known_mistake"),
  ]);
});

describe("the signature as it is written", () => {
  const written = (signature: string, ...codes: readonly string[]): Expectation =>
    expecting(signature.slice(0, 30), bodyOf({ signature }), ...codes);
  testFindings([
    ...[
      `SHA2-256(stdin)= ${HEX}\n`,
      `${HEX} *stdin`,
      `${HEX}  -`,
      `0x${HEX}`,
      ` ${HEX}\n`,
      HEX.replace(/..(?=.)/g, "$&:"),
      MAC.toString("base64"),
    ].map((signature) => written(signature, "malformed", "signature_right")),
    written(HEX.slice(0, 63), "malformed", "signature_truncated"),
    written(`${HEX}00`, "malformed", "signature_too_long"),
    written([...MAC].map((byte) => byte.toString(16)).join(""), "malformed", "hex_without_zeros"),
    ...["md5", "sha1", "sha512"].map((hash) =>
      written(hmac(login, RIGHT, hash).toString("hex"), "malformed", "other_hash"),
    ),
    written("signature", "malformed"),
    written("0".repeat(64), "no_known_mistake"),
    written(login, "no_known_mistake"),
  ]);
});

describe("the key", () => {
  const own = (deviceKey: string, key: string | Buffer, code: string): Expectation => ({
    ...expecting(`${code} of ${deviceKey}`, bodyBy(deviceKey, key), code),
    deviceKey,
  });
  testFindings([
    own(SHARED, SECRETS.retired, "retired_key"),
    own(SHARED, SECRETS.expired, "expired_key"),
    own(SHARED, SECRETS.pending, "pending_key"),
    own(DERIVED, login, "shared_key"),
    own(SHARED, boardKey(SHARED), "derived_key"),
    own(DERIVED, SECRETS.derivation, "derivation_key"),
    own(DERIVED, Buffer.from(boardKey(DERIVED), "hex"), "key_decoded"),
    own(SHARED, `${login}\n`, "key_line_break"),
    own(SHARED, ` ${login}`, "key_white_space"),
    own(SHARED, `"${login}"`, "key_quotes"),
    own(SHARED, `${SHARED} ${login}`, "key_label"),
    own(SHARED, Buffer.from(login, "base64"), "key_decoded"),
    own(SHARED, Buffer.from(login).toString("base64"), "key_encoded"),
    own(SHARED, login.toUpperCase(), "key_case"),
    own(SHARED, login.slice(0, 31), "key_truncated"),
    own(SHARED, login.slice(0, 16), "key_truncated"),
    // Too short: otherwise a caller of explain could guess a key byte by byte.
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
  const message = (code: string, text: string): Expectation =>
    expecting(`${code} ${JSON.stringify(text)}`, signed(text), code);
  const mac = (code: string, bytes: Buffer): Expectation =>
    expecting(code, bodyOf({ signature: bytes.toString("hex") }), code);
  const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();
  testFindings([
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
  const { findings } = await explain({ body: signed(`${SHARED}${SECONDS}\n`) });
  expect(findings.map(({ code }) => code)).toEqual(["no_known_mistake"]);
});

test("shows no key and no valid signature for any body", async () => {
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

test.for([
  [0, "0 s"],
  [59.44, "59.4 s"],
  [-90, "1.5 min"],
  [7_980, "2.2 h"],
  [3_600, "1 h"],
  [-864_000, "10 days"],
] as const)("%d s is %s", ([seconds, words]) => {
  expect(inWords(seconds)).toBe(words);
});

test("a clock is right within the skew and wrong beyond it", () => {
  fc.assert(
    fc.property(fc.integer({ min: -2_000_000, max: 2_000_000 }), (offMs) => {
      expect(explainClock(SECONDS, NOW - offMs, SKEW).length === 0).toBe(Math.abs(offMs) <= SKEW);
    }),
  );
});

test.for([-43_200, -34_200, -12_600, 1_800, 3_600, 50_400])(
  "a wrong time zone of %d s is named to the minute",
  (zone) => {
    const codeAt = (off: number): string | undefined => explainClock(SECONDS + off, NOW, SKEW)[0]?.code;
    for (const off of [0, -60, 60]) expect(codeAt(zone + off)).toBe("time_zone");
    for (const off of [-61, 61]) expect(codeAt(zone + off)).toMatch(/^clock_(ahead|behind)$/);
  },
);

test("a clock that counts from 1970, 1980 or 2000 was never set", () => {
  for (const start of [0, 315_532_800, 946_684_800]) {
    expect(explainClock(start + 1_000, NOW, SKEW)[0]?.code).toBe("clock_never_set");
  }
});
