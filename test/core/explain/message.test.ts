// What is said of the message that was signed, and of the function it was signed with.

import { createHash } from "node:crypto";
import { describe } from "vitest";
import { bodyOf, hmac, NOW, RIGHT, SECONDS, SECRETS, SHARED, signed } from "./desk.ts";
import { tellsThat } from "./tells.ts";

describe("what was signed", () => {
  const zone = SECONDS + 19_800;
  tellsThat([
    { mistake: "the parts swapped", body: signed(`${SHARED}${SECONDS}`), codes: ["parts_swapped"] },
    { mistake: "a newline at the end", body: signed(`${RIGHT}\n`), codes: ["trailing_newline"] },
    {
      mistake: "swapped, and a newline",
      body: signed(`${SHARED}${SECONDS}\n`),
      codes: ["parts_swapped", "trailing_newline"],
    },
    { mistake: "a zero byte at the end", body: signed(`${RIGHT}\0`), codes: ["trailing_byte"] },
    { mistake: "a colon between", body: signed(`${SECONDS}:${SHARED}`), codes: ["separator"] },
    {
      mistake: "a hyphen between, swapped",
      body: signed(`${SHARED}-${SECONDS}`),
      codes: ["parts_swapped", "separator"],
    },
    { mistake: "each on a line", body: signed(`${SECONDS}\n${SHARED}\n`), codes: ["separator", "trailing_newline"] },
    { mistake: "the timestamp alone", body: signed(`${SECONDS}`), codes: ["one_part"] },
    { mistake: "the device_key alone", body: signed(SHARED), codes: ["one_part"] },
    { mistake: "nothing", body: signed(""), codes: ["empty_message"] },
    {
      mistake: "the JSON without the signature",
      body: signed(`{"device_key":"${SHARED}","timestamp":${SECONDS}}`),
      codes: ["signed_body"],
    },
    { mistake: "whole milliseconds", body: signed(`${SECONDS}000${SHARED}`), codes: ["signed_milliseconds"] },
    {
      mistake: "milliseconds that nobody knows",
      body: signed(`${SECONDS}737${SHARED}`),
      codes: ["signed_milliseconds"],
    },
    {
      mistake: "milliseconds that were rounded",
      body: signed(`${SECONDS * 1000 - 412}${SHARED}`),
      codes: ["signed_milliseconds"],
    },
    {
      mistake: "unknown milliseconds and a newline",
      body: signed(`${SECONDS}737${SHARED}\n`),
      codes: ["signed_milliseconds", "trailing_newline"],
    },
    { mistake: "a point and zero", body: signed(`${SECONDS}.0${SHARED}`), codes: ["signed_decimals"] },
    { mistake: "a clock read twice", body: signed(`${SECONDS + 2}${SHARED}`), codes: ["other_timestamp"] },
    { mistake: "local time", body: signed(`${zone}${SHARED}`), codes: ["local_time"] },
    { mistake: "no time", body: signed(`0${SHARED}`), codes: ["other_timestamp"] },
    {
      mistake: "the time of receipt",
      body: signed(`${SECONDS + 111}${SHARED}`),
      receivedAt: NOW + 111_000,
      codes: ["other_timestamp"],
    },
    {
      mistake: "the device_key in upper case",
      body: signed(`${SECONDS}${SHARED.toUpperCase()}`),
      codes: ["signed_device_key"],
    },
    {
      mistake: "the number as the body has it",
      body: bodyOf({ timestamp: "1.764e9", signature: hmac(SECRETS.login, `1.764e9${SHARED}`).toString("hex") }),
      codes: ["signed_text"],
    },
    {
      mistake: "key and message swapped",
      body: bodyOf({ signature: hmac(RIGHT, SECRETS.login).toString("hex") }),
      codes: ["key_and_message_swapped"],
    },
    {
      mistake: "a hash of key and message",
      body: bodyOf({
        signature: createHash("sha256")
          .update(SECRETS.login + RIGHT)
          .digest("hex"),
      }),
      codes: ["plain_hash"],
    },
    {
      mistake: "a hash of message and key",
      body: bodyOf({
        signature: createHash("sha256")
          .update(RIGHT + SECRETS.login)
          .digest("hex"),
      }),
      codes: ["plain_hash"],
    },
    {
      mistake: "an MD5 of key and message",
      body: bodyOf({
        signature: createHash("md5")
          .update(SECRETS.login + RIGHT)
          .digest("hex"),
      }),
      codes: ["plain_hash", "other_hash"],
    },
  ]);
});
