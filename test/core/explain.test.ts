// The findings about a login: one for each known mistake of firmware.

import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { explainClock, inWords } from "../../src/core/explain/findings.ts";
import {
  boardKey,
  bodyBy,
  bodyOf,
  DERIVED,
  expectFindings,
  explain,
  HEX,
  hmac,
  KEYS,
  MAC,
  MOVING,
  NOW,
  RIGHT,
  type Row,
  SECONDS,
  SECRETS,
  SHARED,
  SKEW,
  signed,
  testFindings,
} from "./explain/cases.ts";

const { login } = SECRETS;
const body = bodyOf({});
const DISABLED = { status: "disabled" } as const;

describe("a login with nothing wrong", () => {
  const camel = body.replace("device_key", "deviceKey").replace("device_signature", "deviceSignature");
  const old = { body: bodyOf({ timestamp: 1_700_000_000 }), receivedAt: 1_700_000_100_000 };
  testFindings([
    ["by the shared key", body, "nothing_wrong"],
    ["in upper case", bodyOf({ signature: HEX.toUpperCase() }), "nothing_wrong"],
    ["with the timestamp in a string", bodyOf({ timestamp: `"${SECONDS}"`, signature: HEX }), "nothing_wrong"],
    ["in camelCase", camel, "nothing_wrong"],
    ["by an older key that is valid", signed(RIGHT, SECRETS.older), "nothing_wrong", "older_key"],
    ["by a board's own key", { deviceKey: DERIVED, body: bodyBy(DERIVED, boardKey(DERIVED)) }, "nothing_wrong"],
    ["by its own key in a move", { deviceKey: MOVING, body: bodyBy(MOVING, boardKey(MOVING)) }, "nothing_wrong"],
    ["by the shared key in a move", { deviceKey: MOVING, body: bodyBy(MOVING, login) }, "nothing_wrong", "moving"],
    ["long ago, when it was received", old, "nothing_wrong"],
  ]);

  test.for([true, false])("may have been used before only under a replay guard: %s", async (replayGuard) => {
    const [finding] = await expectFindings({ body, device: { replayGuard } }, ["nothing_wrong"]);
    expect(finding?.message.includes("the same timestamp was used before")).toBe(replayGuard);
  });
});

describe("the device", () => {
  testFindings([
    ["unknown", { deviceKey: "nobody", body: bodyOf({ deviceKey: "nobody" }) }, "unknown_device"],
    ["another in the body", bodyOf({ deviceKey: DERIVED }), "other_device_key"],
    ["in upper case", bodyOf({ deviceKey: SHARED.toUpperCase(), signature: HEX }), "other_device_key"],
    ["disabled", { body, device: DISABLED }, "device_disabled", "signature_right"],
    ["disabled, signed wrongly", { body: signed("x"), device: DISABLED }, "device_disabled", "no_known_mistake"],
    ["its customer disabled", { body, customer: DISABLED }, "customer_disabled", "signature_right"],
  ]);
});

test.for([
  { when: "a mistake is found", sent: body },
  { when: "none is", sent: signed("x") },
])("the secrets are overwritten when $when", async ({ sent }) => {
  const { secrets } = await explain({ body: sent });
  expect(secrets).toHaveLength(KEYS.length);
  for (const { secret } of secrets) expect(secret.every((byte) => byte === 0)).toBe(true);
});

describe("the body", () => {
  const hyphened = body.replace("device_signature", "device-signature");
  const inPhp = hyphened.replace("}", ",\n}");
  test.for<readonly [string, string, RegExp, ...codes: string[]]>([
    ["the curl sample", body.replace(`${SECONDS},`, `${SECONDS}\n`), /line 2 column 2. A comma/, "signature_right"],
    ["a comma too many", body.replace("}", ",}"), /line 1 column \d+. There is a trailing/, "signature_right"],
    ["a hyphen in a name", hyphened, /device_signature.*device-signature/, "signature_right"],
    ["the PHP sample", inPhp, /trailing comma/, "malformed", "signature_right"],
    ["the sample with Date.now()", bodyOf({ timestamp: `${SECONDS}123` }), /in milliseconds/, "signed_as_sent"],
    ["single quotes", body.replaceAll('"', "'"), /single quotes/],
    ["no signature", `{"device_key":"${SHARED}","timestamp":${SECONDS}}`, /device_signature is missing/],
    ["too many bytes", " ".repeat(5000), /5000 bytes/],
    ["a space before the device_key", bodyOf({ deviceKey: ` ${SHARED}` }), /at position 1/, "other_device_key"],
    ["microseconds", bodyOf({ timestamp: `${SECONDS}123456`, signature: HEX }), /microseconds/, "signature_right"],
    ["a fraction", bodyOf({ timestamp: `${SECONDS}.25` }), /a fraction/, "signed_as_sent"],
    ["a date", bodyOf({ timestamp: '"2025-11-24T16:00:00Z"' }), /not a whole number/, "no_known_mistake"],
  ])("%s", async ([, sent, message, ...codes]) => {
    const [first] = await expectFindings(sent, ["malformed", ...codes]);
    expect(first?.message).toMatch(message);
  });
});

describe("the signature as it is written", () => {
  const colons = HEX.replace(/..(?=.)/g, "$&:");
  const withoutZeros = [...MAC].map((byte) => byte.toString(16)).join("");
  const right = [`SHA2-256(stdin)= ${HEX}\n`, `${HEX} *stdin`, `${HEX}  -`, `0x${HEX}`, ` ${HEX}\n`, colons];
  const written = (signature: string, ...codes: string[]): Row => [signature, bodyOf({ signature }), ...codes];
  testFindings([
    ...[...right, MAC.toString("base64")].map((signature) => written(signature, "malformed", "signature_right")),
    written(HEX.slice(0, 63), "malformed", "signature_truncated"),
    written(`${HEX}00`, "malformed", "signature_too_long"),
    written(withoutZeros, "malformed", "hex_without_zeros"),
    ...["md5", "sha1", "sha512"].map((hash) =>
      written(hmac(login, RIGHT, hash).toString("hex"), "malformed", "other_hash"),
    ),
    written("signature", "malformed"),
    written("0".repeat(64), "no_known_mistake"),
    written(login, "no_known_mistake"),
  ]);
});

describe("the key", () => {
  const own = (deviceKey: string, key: string | Buffer, code: string): Row => [
    `${code} of ${deviceKey}`,
    { deviceKey, body: bodyBy(deviceKey, key) },
    code,
  ];
  const shared = (code: string, ...keys: readonly (string | Buffer)[]) => keys.map((key) => own(SHARED, key, code));
  const retired = KEYS.filter(({ keyId }) => keyId === "retired");
  testFindings([
    ...shared("retired_key", SECRETS.retired),
    ...shared("expired_key", SECRETS.expired),
    ...shared("pending_key", SECRETS.pending),
    ...shared("derived_key", boardKey(SHARED)),
    own(DERIVED, login, "shared_key"),
    own(DERIVED, SECRETS.derivation, "derivation_key"),
    own(DERIVED, Buffer.from(boardKey(DERIVED), "hex"), "key_decoded"),
    ...shared("key_line_break", `${login}\n`),
    ...shared("key_white_space", ` ${login}`),
    ...shared("key_quotes", `"${login}"`),
    ...shared("key_label", `${SHARED} ${login}`),
    ...shared("key_decoded", Buffer.from(login, "base64")),
    ...shared("key_encoded", Buffer.from(login).toString("base64")),
    ...shared("key_case", login.toUpperCase()),
    ...shared("key_truncated", login.slice(0, 31), login.slice(0, 16)),
    // Too short: otherwise a caller of explain could guess a key byte by byte.
    ...shared("no_known_mistake", login.slice(0, 15), Buffer.from(login.slice(0, 30), "hex")),
    ...shared("empty_key", ""),
    ...shared("placeholder_key", "customer_key", SHARED),
    ...shared("no_known_mistake", "a stranger's"),
    ["none live", { body, keys: [] }, "no_live_key", "no_known_mistake"],
    ["retired, none live", { body: signed(RIGHT, SECRETS.retired), keys: retired }, "no_live_key", "retired_key"],
  ]);
});

describe("the message and the function", () => {
  const signs = (code: string, ...texts: readonly string[]) =>
    texts.map((text): Row => [`${code} ${JSON.stringify(text)}`, signed(text), code]);
  const sends = (code: string, mac: Buffer): Row => [code, bodyOf({ signature: mac.toString("hex") }), code];
  const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();
  testFindings([
    ...signs("parts_swapped", `${SHARED}${SECONDS}`),
    ...signs("trailing_newline", `${RIGHT}\n`),
    ...signs("trailing_byte", `${RIGHT}\0`),
    ...signs("separator", ...[..." :,.|\n_-"].map((mark) => `${SECONDS}${mark}${SHARED}`)),
    ...signs("one_part", `${SECONDS}`, SHARED),
    ...signs("signed_body", `{"device_key":"${SHARED}","timestamp":${SECONDS}}`),
    ...signs("signed_milliseconds", `${SECONDS}000${SHARED}`),
    ...signs("other_timestamp", `${SECONDS + 1}${SHARED}`),
    ...signs("signed_device_key", `${SECONDS}${SHARED.toUpperCase()}`),
    // Two mistakes at once are not searched for.
    ...signs("no_known_mistake", `${SHARED}${SECONDS}\n`),
    sends("key_and_message_swapped", hmac(RIGHT, login)),
    sends("plain_hash", sha256(login + RIGHT)),
    sends("plain_hash", sha256(RIGHT + login)),
  ]);
});

test("shows no key and no valid signature for any body", async () => {
  const secrets = [...Object.values(SECRETS), boardKey(SHARED)];
  const bodies = fc.oneof(
    fc.json(),
    fc.string({ unit: "binary" }),
    fc.constantFrom(...secrets).map((secret) => signed(RIGHT, secret)),
    fc.constantFrom(...secrets).map((signature) => bodyOf({ signature })),
    fc
      .tuple(fc.nat({ max: 220 }), fc.nat({ max: 3 }))
      .map(([at, length]) => body.slice(0, at) + body.slice(at + length)),
  );
  await fc.assert(
    fc.asyncProperty(bodies, async (sent) => {
      const { findings } = await explain({ body: sent });
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

test("a span is in its largest unit, without its sign", () => {
  const words = ["0 s", "59.4 s", "1.5 min", "2.2 h", "1 h", "10 days"];
  expect([0, 59.44, -90, 7_980, 3_600, -864_000].map(inWords)).toEqual(words);
});

describe("a clock", () => {
  test("is right within the skew and wrong beyond it", () => {
    fc.assert(
      fc.property(fc.integer({ min: -2_000_000, max: 2_000_000 }), (offMs) => {
        expect(explainClock(SECONDS, NOW - offMs, SKEW).length === 0).toBe(Math.abs(offMs) <= SKEW);
      }),
    );
  });

  const codeAt = (seconds: number): string | undefined => explainClock(seconds, NOW, SKEW)[0]?.code;

  test.for([-43_200, -34_200, -12_600, 1_800, 3_600, 50_400])(
    "in a time zone of %d s is named to the minute",
    (zone) => {
      for (const off of [0, -60, 60]) expect(codeAt(SECONDS + zone + off)).toBe("time_zone");
      for (const off of [-61, 61]) expect(codeAt(SECONDS + zone + off)).toMatch(/^clock_(ahead|behind)$/);
    },
  );

  test.for([1970, 1980, 2000])("that counts from %d was never set", (year) => {
    expect(codeAt(Date.UTC(year) / 1_000 + 1_000)).toBe("clock_never_set");
  });
});
