// Reads a login as a device sent it, and corrects its form.

import { AuthError } from "../errors.ts";
import type { SignedLogin } from "../login.ts";
import { readDeviceKey, readSignature, readTimestamp } from "../login-fields.ts";
import { type Finding, finding } from "./findings.ts";

export interface SentLogin {
  /** Mistakes of the form; empty: a valid login request. */
  readonly mistakes: readonly Finding[];
  readonly text: string;
  readonly deviceKey: string | undefined;
  /** The timestamp as the body has it. */
  readonly sentTime: string;
  /** The timestamp in whole seconds; empty if unreadable. */
  readonly time: string;
  /** Lower-case hex digits; empty if unreadable. */
  readonly signature: string;
}

/** The gateway's own reader of a login's body. */
export interface LoginReader {
  /** @throws AuthError `malformed` */
  readonly readLogin: (body: Uint8Array) => SignedLogin;
  /** The most bytes that a body may have. */
  readonly maxLoginBytes: number;
}

const FIELDS = ["device_key", "timestamp", "device_signature"];

export function readSentLogin(body: Uint8Array, { readLogin, maxLoginBytes }: LoginReader): SentLogin {
  const isTooLarge = body.length > maxLoginBytes;
  const text = isTooLarge ? "" : new TextDecoder().decode(body);
  const members = membersOf(text);
  const named = FIELDS.map((field) => [field, findMember(members, field)] as const);
  const [deviceKey, timestamp, signature] = named.map(([, value]) => value);
  /** The error that the gateway has for a body. */
  function errorOf(sent: Uint8Array): string | undefined {
    if (isTooLarge) return `The body has ${body.length} bytes. A login has at most ${maxLoginBytes}`;
    try {
      const login = readLogin(sent);
      readDeviceKey(login.deviceKey);
      readTimestamp(login.timestamp);
      readSignature(login.deviceSignature);
      return undefined;
    } catch (error) {
      if (error instanceof AuthError) return error.message;
      throw error;
    }
  }
  // The body without mistakes of syntax or of names, which have messages of their own.
  const corrected =
    members.length === 0 ? [] : [members, named].map((some) => JSON.stringify(Object.fromEntries(some)));
  const messages = new Set([body, ...corrected.map((json) => Buffer.from(json))].map(errorOf));
  return {
    mistakes: [...messages].flatMap((message) => (message === undefined ? [] : [finding("malformed", message)])),
    text,
    deviceKey: deviceKey === undefined ? undefined : String(deviceKey),
    sentTime: String(timestamp ?? ""),
    time: secondsOf(String(timestamp ?? "")),
    signature: digitsOf(String(signature ?? "")),
  };
}

type Members = readonly (readonly [name: string, value: unknown])[];

/** The members of a JSON object, after its commas are corrected. */
function membersOf(text: string): Members {
  const commas = text.replace(/(["\d])(\s+"[\w-]+"\s*:)/g, "$1,$2").replace(/,(\s*\})/g, "$1");
  for (const spelling of [text, commas]) {
    try {
      const json: unknown = JSON.parse(spelling);
      return typeof json === "object" && json !== null && !Array.isArray(json) ? Object.entries(json) : [];
    } catch {
      // The gateway's reader names the mistake.
    }
  }
  return [];
}

/** Finds a member by its name, of which only the letters are compared. */
function findMember(members: Members, field: string): unknown {
  const letters = (name: string): string => name.toLowerCase().replace(/[^a-z]/g, "");
  const value = members.findLast(([name]) => letters(name) === letters(field))?.[1];
  // An object may have a toString of its own, which String() cannot call.
  return typeof value === "object" && value !== null ? JSON.stringify(value) : value;
}

/** The whole seconds of a timestamp, which may have a fraction or be in a finer unit. */
function secondsOf(text: string): string {
  if (/^\d{13}(\d{3}){0,2}$/.test(text)) return text.slice(0, 10);
  const value = text.trim() === "" ? Number.NaN : Number(text);
  return value >= 0 && value < 1e10 ? String(Math.floor(value)) : "";
}

/** The hex digits of a signature that openssl labels, that has separators, or that is in base64. */
function digitsOf(text: string): string {
  if (/^[\w+/ -]{43}=?\s*$/.test(text)) return Buffer.from(text.replaceAll(" ", "+"), "base64").toString("hex");
  const lower = text.toLowerCase();
  const [labelled] = /(?<![^=\s])[0-9a-f]{64}(?!\S)/.exec(lower) ?? [];
  const digits = labelled ?? lower.replace(/0x|\\x|[\s:,-]/g, "");
  return /^[0-9a-f]+$/.test(digits) ? digits : "";
}
