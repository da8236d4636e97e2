// What is said of the key that was signed with: whose it is, and what firmware made of it.

import { describe, expect, test } from "vitest";
import {
  boardKey,
  bodyOf,
  type Case,
  customerSecret,
  DERIVED,
  explain,
  hmac,
  KEYS,
  MOVING,
  RIGHT,
  SECONDS,
  SECRETS,
  SHARED,
  signed,
} from "./desk.ts";
import { tellsThat } from "./tells.ts";

describe("the key", () => {
  const own = (deviceKey: string, key: string | Buffer): Pick<Case, "deviceKey" | "body"> => ({
    deviceKey,
    body: bodyOf({ deviceKey, signature: hmac(key, `${SECONDS}${deviceKey}`).toString("hex") }),
  });
  const { login } = SECRETS;
  tellsThat([
    { mistake: "one that is retired", body: signed(RIGHT, SECRETS.retired), codes: ["retired_key"] },
    { mistake: "one that expired", body: signed(RIGHT, SECRETS.expired), codes: ["expired_key"] },
    { mistake: "one whose time has not come", body: signed(RIGHT, SECRETS.pending), codes: ["pending_key"] },
    { mistake: "the shared one where its own is due", ...own(DERIVED, login), codes: ["shared_key"] },
    {
      mistake: "a retired shared one where its own is due",
      ...own(DERIVED, SECRETS.retired),
      codes: ["shared_key", "retired_key"],
    },
    { mistake: "its own where the shared one is due", ...own(SHARED, boardKey(SHARED)), codes: ["derived_key"] },
    { mistake: "the derivation key itself", ...own(DERIVED, SECRETS.derivation), codes: ["derivation_key"] },
    { mistake: "the derivation key on a shared device", ...own(SHARED, SECRETS.derivation), codes: ["derivation_key"] },
    {
      mistake: "one derived without the label",
      ...own(DERIVED, hmac(SECRETS.derivation, DERIVED).toString("hex")),
      codes: ["wrong_derivation"],
    },
    { mistake: "one derived from a login key", ...own(DERIVED, boardKey(DERIVED, login)), codes: ["wrong_derivation"] },
    {
      mistake: "the raw bytes of its own",
      ...own(DERIVED, Buffer.from(boardKey(DERIVED), "hex")),
      codes: ["key_hex_decoded"],
    },
    {
      mistake: "another board's",
      deviceKey: DERIVED,
      body: bodyOf({ deviceKey: MOVING, signature: hmac(boardKey(MOVING), `${SECONDS}${MOVING}`).toString("hex") }),
      codes: ["other_device_key", "other_boards_key"],
    },
    { mistake: "a line break after it", body: signed(RIGHT, `${login}\n`), codes: ["key_line_break"] },
    {
      mistake: "a carriage return and line feed after it",
      body: signed(RIGHT, `${login}\r\n`),
      codes: ["key_line_break"],
    },
    { mistake: "a space before it", body: signed(RIGHT, ` ${login}`), codes: ["key_white_space"] },
    { mistake: "quotes around it", body: signed(RIGHT, `"${login}"`), codes: ["key_quotes"] },
    { mistake: "its hex decoded", body: signed(RIGHT, Buffer.from(login, "hex")), codes: ["key_hex_decoded"] },
    { mistake: "its base64 decoded", body: signed(RIGHT, Buffer.from(login, "base64")), codes: ["key_base64_decoded"] },
    {
      mistake: "encoded in base64",
      body: signed(RIGHT, Buffer.from(login).toString("base64")),
      codes: ["key_encoded"],
    },
    { mistake: "in upper case", body: signed(RIGHT, login.toUpperCase()), codes: ["key_case"] },
    { mistake: "cut to 31 bytes", body: signed(RIGHT, login.slice(0, 31)), codes: ["key_truncated"] },
    { mistake: "cut to 63 bytes", body: signed(RIGHT, login.slice(0, 63)), codes: ["key_truncated"] },
    {
      mistake: "an older one with a line break",
      body: signed(RIGHT, `${SECRETS.older}\n`),
      codes: ["older_key", "key_line_break"],
    },
    {
      mistake: "a line break after it, and after the message",
      body: signed(`${RIGHT}\n`, `${login}\n`),
      codes: ["key_line_break", "trailing_newline"],
    },
    ...(["latin1", "utf16le"] as const).map((encoding) => ({
      mistake: `taken as ${encoding}`,
      body: signed(RIGHT, Buffer.from("Schl\u00fcssel der Pumpe", encoding)),
      keys: [customerSecret("umlaut", "login", "Schl\u00fcssel der Pumpe")],
      codes: ["key_encoding"],
    })),
    { mistake: "none", body: signed(RIGHT, ""), codes: ["empty_key"] },
    { mistake: "a placeholder", body: signed(RIGHT, "customer_key"), codes: ["placeholder_key"] },
    { mistake: "the device_key", body: signed(RIGHT, SHARED), codes: ["name_as_key"] },
    { mistake: "the key's name", body: signed(RIGHT, "derivation"), codes: ["name_as_key"] },
    { mistake: "one of nobody's", body: signed(RIGHT, "a stranger's"), codes: ["no_known_mistake"] },
    {
      mistake: "no live one",
      body: bodyOf({}),
      keys: KEYS.filter(({ keyId }) => keyId === "retired"),
      codes: ["no_live_key", "no_known_mistake"],
    },
    { mistake: "none at all", ...own(DERIVED, "x"), keys: [], codes: ["no_live_key", "no_known_mistake"] },
    { mistake: "sent in clear", body: bodyOf({ signature: login }), codes: ["no_known_mistake", "key_sent"] },
  ]);

  test("one that is sent beside a right signature is told of, and hinders nothing", async () => {
    const body = bodyOf({}).replace("}", `, "customer_key": "${login}"}`);
    expect(await explain({ body })).toMatchObject({
      wouldSucceed: true,
      findings: [{ code: "nothing_wrong" }, { code: "key_sent" }],
    });
  });
});
