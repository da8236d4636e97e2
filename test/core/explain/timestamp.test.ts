// What is said of a login's timestamp: its form, and how far the clock was off.

import { describe, expect, test } from "vitest";
import { bodyOf, explain, hmac, NOW, RIGHT, SECONDS, SECRETS, SHARED } from "./desk.ts";
import { tellsThat } from "./tells.ts";

describe("the timestamp", () => {
  const stamped = (timestamp: string | number, message: string): string =>
    bodyOf({ timestamp, signature: hmac(SECRETS.login, message).toString("hex") });
  const MS = `${SECONDS}123`;
  tellsThat([
    {
      mistake: "milliseconds, signed so",
      body: stamped(MS, `${MS}${SHARED}`),
      codes: ["milliseconds", "signed_as_sent"],
    },
    { mistake: "milliseconds, seconds signed", body: stamped(MS, RIGHT), codes: ["milliseconds", "signature_right"] },
    {
      mistake: "milliseconds in a string",
      body: stamped(`"${MS}"`, `${MS}${SHARED}`),
      codes: ["milliseconds", "signed_as_sent"],
    },
    {
      mistake: "milliseconds and a newline",
      body: stamped(MS, `${MS}${SHARED}\n`),
      codes: ["milliseconds", "signed_as_sent", "trailing_newline"],
    },
    {
      mistake: "milliseconds and the parts swapped",
      body: stamped(MS, `${SHARED}${MS}`),
      codes: ["milliseconds", "signed_as_sent", "parts_swapped"],
    },
    { mistake: "microseconds", body: stamped(`${MS}456`, RIGHT), codes: ["microseconds", "signature_right"] },
    { mistake: "nanoseconds", body: stamped(`${MS}456789`, RIGHT), codes: ["nanoseconds", "signature_right"] },
    {
      mistake: "a fraction",
      body: stamped(`${SECONDS}.25`, `${SECONDS}.25${SHARED}`),
      codes: ["fraction", "signed_as_sent"],
    },
    { mistake: "a date", body: stamped('"2025-11-24T16:00:00Z"', RIGHT), codes: ["date_string", "signature_right"] },
    { mistake: "leading zeros", body: stamped(`"00${SECONDS}"`, RIGHT), codes: ["timestamp_shape", "signature_right"] },
    { mistake: "a word", body: stamped('"now"', RIGHT), codes: ["timestamp_shape", "signature_right"] },
    { mistake: "null", body: stamped("null", RIGHT), codes: ["timestamp_shape", "signature_right"] },
    { mistake: "twelve digits", body: stamped(`${SECONDS}12`, RIGHT), codes: ["timestamp_shape", "signature_right"] },
    { mistake: "a clock in 1970", body: bodyOf({ timestamp: 12345 }), codes: ["clock_never_set", "signature_right"] },
    {
      mistake: "a clock that is behind",
      body: bodyOf({ timestamp: SECONDS - 7_980 - 300 }),
      codes: ["clock_behind", "signature_right"],
    },
    {
      mistake: "a clock that is ahead",
      body: bodyOf({ timestamp: SECONDS + 400 }),
      codes: ["clock_ahead", "signature_right"],
    },
    { mistake: "a time zone", body: bodyOf({ timestamp: SECONDS + 7_200 }), codes: ["time_zone", "signature_right"] },
    {
      mistake: "a time zone of half hours",
      body: bodyOf({ timestamp: SECONDS - 19_800 + 20 }),
      codes: ["time_zone", "signature_right"],
    },
  ]);

  test.for([
    { written: "9".repeat(20), told: "timestamp has 20 digits. Unix time in whole seconds has at most 10" },
    { written: `${"9".repeat(20)}.5`, told: "timestamp has 20 digits. Unix time in whole seconds has at most 10" },
    { written: "9".repeat(100), told: "timestamp is out of range. Unix time in whole seconds has at most 10 digits" },
    { written: "1e999999999", told: "timestamp is out of range. Unix time in whole seconds has at most 10 digits" },
    { written: "-5", told: "timestamp is negative. Send the Unix time in whole seconds" },
  ])("$written is refused for what it is", async ({ written, told }) => {
    const { findings } = await explain({ body: stamped(written, RIGHT) });
    const shapes = findings.filter(({ code }) => code === "timestamp_shape");
    expect(shapes.map(({ message }) => message)).toEqual([told]);
  });

  test("white space that was signed too is found", async () => {
    const { findings } = await explain({ body: stamped('" 1764000000"', ` ${RIGHT}`) });
    expect(findings.map(({ code }) => code)).toEqual(["signed_text"]);
  });

  test("says by how much a clock is off, and in which year it is", async () => {
    const messageOf = async (timestamp: number): Promise<string> =>
      (await explain({ body: bodyOf({ timestamp }), receivedAt: NOW })).findings[0]?.message ?? "";
    expect(await messageOf(SECONDS - 7_980 - 420)).toContain("2 h 20 min behind the gateway");
    expect(await messageOf(0)).toContain("in 1970");
    expect(await messageOf(946_684_800)).toContain("in 2000");
    expect(await messageOf(SECONDS + 3_600)).toContain("1 h ahead of the gateway");
  });

  test("only where nobody said when it was received, old may mean late", async () => {
    const body = bodyOf({ timestamp: SECONDS - 500 });
    const [said, unsaid] = await Promise.all([explain({ body, receivedAt: NOW }), explain({ body })]);
    expect(said.findings[0]?.message).not.toContain("say when");
    expect(unsaid.findings[0]?.message).toContain("say when");
  });
});
