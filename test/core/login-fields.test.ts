// The fields of a login: their form, the error for each mistake, and the skew of a timestamp.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkFresh, readDeviceKey, readSignature, readTimestamp } from "../../src/core/login-fields.ts";
import { caughtError } from "./caught-error.ts";

/** Every sentence of an error; an N stands for a number. */
const KEY = {
  missing: "device_key is missing or empty",
  length: "device_key has N characters. It has at most 96",
  character: "device_key has a character that is not visible ASCII at position N",
};
const TIME = {
  missing: "timestamp is missing. Send the Unix time in whole seconds",
  negative: "timestamp is negative. Send the Unix time in whole seconds",
  milliseconds: "timestamp is in milliseconds. Send whole seconds and sign those",
  microseconds: "timestamp is in microseconds. Send whole seconds and sign those",
  nanoseconds: "timestamp is in nanoseconds. Send whole seconds and sign those",
  digits: "timestamp has N digits. Unix time in whole seconds has at most 10",
};
const SIGNATURE = {
  label: "device_signature carries what openssl or sha256sum prints around it. Send the 64 hex digits alone",
  space: "device_signature has white space around it. Send the 64 hex digits alone",
  prefix: "device_signature starts with 0x. Send the 64 hex digits alone",
  base64: "device_signature looks like base64. Send the HMAC as 64 hex digits",
  separators: "device_signature has separators between its bytes. Send 64 hex digits with nothing between them",
  missing: "device_signature is missing or empty",
  count: "device_signature has N hex digits. HMAC-SHA256 gives 64",
  other: "device_signature is not hex. Send the HMAC-SHA256 as 64 hex digits (this has N characters)",
};
const HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const BYTES = Buffer.from(HEX, "hex");

/** Reads a field; a timestamp is given as its digits. */
const READERS = {
  device_key: readDeviceKey,
  timestamp: (digits: string) => readTimestamp(digits === "" ? undefined : BigInt(digits)),
  device_signature: readSignature,
};
type Field = keyof typeof READERS;
type Row = readonly [field: Field, text: string, sentence: string, number?: number];

const rowsOf = (field: Field, sentence: string, ...texts: readonly string[]): Row[] =>
  texts.map((text) => [field, text, sentence, text.length]);

test.for<Row>([
  ["device_key", "", KEY.missing],
  ["device_key", "k".repeat(97), KEY.length, 97],
  ["device_key", "my device", KEY.character, 3],
  ["device_key", " device", KEY.character, 1],
  ["device_key", "device\n", KEY.character, 7],
  ["device_key", "de\0vice", KEY.character, 3],
  ["device_key", "d\x7f", KEY.character, 2],
  ["device_key", "gerät", KEY.character, 4],
  ["device_key", "🔑key", KEY.character, 1],
  // An emoji counts once.
  ["device_key", "a🔑 ", KEY.character, 2],
  ["device_key", "key\ud83d", KEY.character, 4],
  ["timestamp", "", TIME.missing],
  ["timestamp", "-1", TIME.negative],
  ["timestamp", "1620045991000", TIME.milliseconds],
  ["timestamp", "1620045991000000", TIME.microseconds],
  ["timestamp", "1620045991000000000", TIME.nanoseconds],
  ...rowsOf("timestamp", TIME.digits, "10000000000", "16200459910000"),
  ["device_signature", "", SIGNATURE.missing],
  ...["SHA2-256(stdin)=", "HMAC-SHA256(stdin)=", "(stdin)=", "HMAC-SHA256(message.txt)=", "sha256="].flatMap((label) =>
    rowsOf("device_signature", SIGNATURE.label, `${label} ${HEX}`, `${label} ${HEX}\n`),
  ),
  ...rowsOf("device_signature", SIGNATURE.label, `${HEX} *stdin`, `${HEX}  -\n`),
  ...rowsOf("device_signature", SIGNATURE.base64, BYTES.toString("base64"), BYTES.toString("base64").slice(0, -1)),
  ...rowsOf("device_signature", SIGNATURE.base64, BYTES.toString("base64url")),
  ...rowsOf("device_signature", SIGNATURE.count, "a", HEX.slice(0, 40), HEX.slice(1), `${HEX}0`),
  ...rowsOf("device_signature", SIGNATURE.prefix, `0x${HEX}`, `0X${HEX}`),
  ...rowsOf("device_signature", SIGNATURE.space, ` ${HEX}`, `${HEX}\n`, `${HEX}\r\n`),
  ...[":", " ", "-"].flatMap((mark) =>
    rowsOf("device_signature", SIGNATURE.separators, HEX.replace(/..(?=.)/g, `$&${mark}`)),
  ),
  ...rowsOf("device_signature", SIGNATURE.other, `g${HEX.slice(1)}`, "signature", "  "),
])("the mistake in %s %j is named", ([field, text, sentence, number]) => {
  const error = caughtError(() => READERS[field](text));
  const message = sentence.replace("N", String(number));
  expect(error).toMatchObject({ message, reason: "malformed", details: { field } });
});

const binary = fc.string({ unit: "binary" });
const key = fc.stringMatching(/^[\x21-\x7e]{1,96}$/);
const digits = fc.stringMatching(/^[0-9a-fA-F]{64}$/);
const slipped = (text: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(text, fc.nat({ max: 63 }), fc.string({ unit: "binary", maxLength: 4 }))
    .map(([all, at, slip]) => all.slice(0, at) + slip + all.slice(at + 1));
const near = fc.bigInt({ min: -100n, max: 20_000_000_000n });
const any = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

/** Whether one of the sentences is the message, with a number for its N. */
const hasMessage =
  (message: string) =>
  (sentences: readonly string[]): boolean => {
    const numbers = message.match(/\d+/g) ?? [];
    return sentences.some((sentence) => ["N", ...numbers].some((number) => sentence.replace("N", number) === message));
  };

describe.for([
  ["device_key", fc.oneof(key, slipped(key), binary), /^[\x21-\x7e]{1,96}$/, KEY],
  ["timestamp", fc.oneof(near, any).map(String), /^\d{1,10}$/, TIME],
  ["device_signature", fc.oneof(digits, slipped(digits), binary), /^[0-9a-f]{64}$/i, SIGNATURE],
] as const)("%s", ([field, texts, valid, sentences]) => {
  test("is read as it is sent, or refused by a known sentence, which repeats nothing", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const read = (): string => {
          const value = READERS[field](text);
          return Buffer.isBuffer(value) ? value.toString("hex") : String(value);
        };
        if (valid.test(text)) expect(read()).toBe(field === "device_signature" ? text.toLowerCase() : text);
        else expect(Object.values<string>(sentences)).toSatisfy(hasMessage(caughtError(read).message));
      }),
      { numRuns: 500 },
    );
  });
});

describe("checkFresh", () => {
  const NOW = 1_764_000_000_000;
  const SKEW = 300_000;
  const off = (seconds: number, where: string): string =>
    `timestamp is ${seconds} seconds ${where} the server. Set the clock from server_time and sign again`;

  test.for([
    [NOW / 1000 - 301, off(301, "behind")],
    [NOW / 1000 + 301, off(301, "ahead of")],
    [0, off(1_764_000_000, "behind")],
    [9_999_999_999, off(8_235_999_999, "ahead of")],
  ] as const)("refuses %d, with the time to set the clock to, in whole seconds", ([timestamp, message]) => {
    const error = caughtError(() => checkFresh(timestamp, NOW + 99, SKEW));
    expect(error).toMatchObject({ message, reason: "clock_skew", details: { serverTime: 1_764_000_000 } });
  });

  test("accepts a timestamp within the skew, to the millisecond, and refuses every other", () => {
    const second = fc.integer({ min: 0, max: 9_999_999_999 });
    const skew = fc.integer({ min: 1_000, max: 1_800_000 });
    const beyond = fc.oneof(fc.integer({ min: -1, max: 1 }), fc.integer({ min: -2_000_000, max: 2_000_000 }));
    fc.assert(
      fc.property(second, skew, fc.constantFrom(-1, 1), beyond, (timestamp, skewMs, side, more) => {
        const offMs = side * skewMs + more;
        const check = (): void => checkFresh(timestamp, timestamp * 1000 - offMs, skewMs);
        if (Math.abs(offMs) <= skewMs) expect(check).not.toThrow();
        else expect(caughtError(check).message).toContain(offMs > 0 ? "seconds ahead of" : "seconds behind");
      }),
    );
  });
});
