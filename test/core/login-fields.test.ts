// The fields of a login, and the error for each mistake.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkFresh, readDeviceKey, readSignature, readTimestamp } from "../../src/core/login-fields.ts";
import { caughtError } from "./caught-error.ts";

const HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const BYTES = Buffer.from(HEX, "hex");
const LABELS = ["SHA2-256(stdin)=", "HMAC-SHA256(stdin)=", "(stdin)=", "HMAC-SHA256(message.txt)=", "sha256="];
const LABELLED = LABELS.flatMap((label) => [`${label} ${HEX}`, `${label} ${HEX}\n`]);
const BASE64 = [BYTES.toString("base64"), BYTES.toString("base64").slice(0, -1), BYTES.toString("base64url")];
const SEPARATED = [":", " ", "-"].map((mark) => HEX.replace(/..(?=.)/g, `$&${mark}`));

const SIGN_AGAIN = "Send whole seconds and sign those";
const DIGITS = "Send the 64 hex digits alone";
const COUNT = "HMAC-SHA256 gives 64";
const NOT_HEX = "is not hex. Send the HMAC-SHA256 as 64 hex digits";

type Mistake = readonly [sentence: string, ...texts: string[]];

/** Every sentence of an error, after the field's name, with texts that lead to it. A timestamp is given as its digits. */
const MISTAKES = {
  device_key: [
    ["is missing or empty", ""],
    ["has 97 characters. Send at most 96", "k".repeat(97)],
    ["has a character that is not visible ASCII at position 1", " device", "🔑key"],
    ["has a character that is not visible ASCII at position 2", "d\x7f", "a🔑 "],
    ["has a character that is not visible ASCII at position 3", "my device", "de\0vice"],
    ["has a character that is not visible ASCII at position 4", "gerät", "key\ud83d"],
    ["has a character that is not visible ASCII at position 7", "device\n"],
  ],
  timestamp: [
    ["is missing. Send the Unix time in whole seconds", ""],
    ["is negative. Send the Unix time in whole seconds", "-1"],
    [`is in milliseconds. ${SIGN_AGAIN}`, "1620045991000"],
    [`is in microseconds. ${SIGN_AGAIN}`, "1620045991000000"],
    [`is in nanoseconds. ${SIGN_AGAIN}`, "1620045991000000000"],
    ["has 11 digits. Unix time in whole seconds has at most 10", "10000000000"],
    ["has 14 digits. Unix time in whole seconds has at most 10", "16200459910000"],
  ],
  device_signature: [
    ["is missing or empty", ""],
    [`carries what openssl or sha256sum prints around it. ${DIGITS}`, ...LABELLED, `${HEX} *stdin`, `${HEX}  -\n`],
    [`has white space around it. ${DIGITS}`, ` ${HEX}`, `${HEX}\n`, `${HEX}\r\n`],
    [`starts with 0x. ${DIGITS}`, `0x${HEX}`, `0X${HEX}`],
    ["looks like base64. Send the HMAC as 64 hex digits", ...BASE64],
    ["has separators between its bytes. Send 64 hex digits with nothing between them", ...SEPARATED],
    [`has 1 hex digits. ${COUNT}`, "a"],
    [`has 40 hex digits. ${COUNT}`, HEX.slice(0, 40)],
    [`has 63 hex digits. ${COUNT}`, HEX.slice(1)],
    [`has 65 hex digits. ${COUNT}`, `${HEX}0`],
    [`${NOT_HEX} (this has 2 characters)`, "  "],
    [`${NOT_HEX} (this has 9 characters)`, "signature"],
    [`${NOT_HEX} (this has 64 characters)`, `g${HEX.slice(1)}`],
  ],
} satisfies Record<string, readonly Mistake[]>;

const READERS = {
  device_key: readDeviceKey,
  timestamp: (digits: string) => readTimestamp(digits === "" ? undefined : BigInt(digits)),
  device_signature: readSignature,
};

const slipped = (text: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(text, fc.nat({ max: 63 }), fc.string({ unit: "binary", maxLength: 4 }))
    .map(([all, at, slip]) => all.slice(0, at) + slip + all.slice(at + 1));
const binary = fc.string({ unit: "binary" });
const key = fc.stringMatching(/^[\x21-\x7e]{1,96}$/);
const digits = fc.stringMatching(/^[0-9a-fA-F]{64}$/);
const near = fc.bigInt({ min: -100n, max: 20_000_000_000n });
const any = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

describe.for([
  ["device_key", fc.oneof(key, slipped(key), binary), /^[\x21-\x7e]{1,96}$/],
  ["timestamp", fc.oneof(near, any).map(String), /^\d{1,10}$/],
  ["device_signature", fc.oneof(digits, slipped(digits), binary), /^[0-9a-f]{64}$/i],
] as const)("%s", ([field, texts, valid]) => {
  const mistakes: readonly Mistake[] = MISTAKES[field];
  const errorOf = (text: string) => caughtError(() => READERS[field](text));

  test.for(mistakes)("the mistake is named: it %s", ([sentence, ...wrong]) => {
    const error = { message: `${field} ${sentence}`, reason: "malformed", details: { field } };
    for (const text of wrong) expect(errorOf(text), text).toMatchObject(error);
  });

  test("is read as it is sent, or refused by a known sentence, which repeats nothing", () => {
    const withoutNumbers = (message: string): string => message.replaceAll(/\d+/g, "N");
    const known = mistakes.map(([sentence]) => withoutNumbers(`${field} ${sentence}`));
    fc.assert(
      fc.property(texts, (text) => {
        if (valid.test(text)) {
          const value = READERS[field](text);
          const read = Buffer.isBuffer(value) ? value.toString("hex") : String(value);
          expect(read).toBe(field === "device_signature" ? text.toLowerCase() : text);
        } else {
          expect(known).toContain(withoutNumbers(errorOf(text).message));
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("checkFresh", () => {
  const NOW = 1_764_000_000_000;
  const SKEW = 300_000;

  test.for([
    [NOW / 1000 - 301, "301 seconds behind"],
    [NOW / 1000 + 301, "301 seconds ahead of"],
    [0, "1764000000 seconds behind"],
    [9_999_999_999, "8235999999 seconds ahead of"],
  ] as const)("refuses %d, with the time to set the clock to, in whole seconds", ([timestamp, off]) => {
    const message = `timestamp is ${off} the server. Set the clock from server_time and sign again`;
    const error = { message, reason: "clock_skew", details: { serverTime: 1_764_000_000 } };
    expect(caughtError(() => checkFresh(timestamp, NOW + 99, SKEW))).toMatchObject(error);
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
