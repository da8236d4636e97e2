// A login's body as a device sent it: what the gateway's reader refuses, and what was meant all the same. Knows no key.

import { readDeviceKey } from "../device-key.ts";
import { AuthError } from "../errors.ts";
import type { LoginRequest } from "../login.ts";
import { type Finding, finding } from "./findings.ts";
import { readSentBody, type SentBody } from "./sent-body.ts";
import { type Field, findField, type SentField } from "./sent-fields.ts";
import { readSentSignature, type SentSignature } from "./sent-signature.ts";
import { readSentTimestamp, type SentTimestamp } from "./sent-timestamp.ts";

export interface SentLogin {
  /** What is wrong with its form, in the order of body, device_key, timestamp, signature; empty: it is a login. */
  readonly mistakes: readonly Finding[];
  /** The body as text, as far as a login may go. */
  readonly text: string;
  /** Each undefined where nothing was found that could be one. */
  readonly deviceKey: string | undefined;
  readonly timestamp: SentTimestamp | undefined;
  readonly signature: SentSignature | undefined;
  /** The body with an empty signature, as some sign it. */
  readonly unsignedText: string | undefined;
}

/** The gateway's own strict reader of a login's body. */
export interface LoginReader {
  /** Throws AuthError `malformed`. */
  readonly readLogin: (body: Uint8Array) => LoginRequest;
  /** The most bytes that a body may have: it is not asked to read more. */
  readonly maxLoginBytes: number;
}

/** Reads a body. */
export function readSentLogin(body: Uint8Array, reader: LoginReader): SentLogin {
  const { maxLoginBytes } = reader;
  const isCut = body.length > maxLoginBytes;
  const { login, refusal } = isCut ? {} : readStrictly(body, reader);
  // What is no UTF-8 is read past, and so is a byte order mark.
  const text = new TextDecoder().decode(body.subarray(0, maxLoginBytes));
  const sent = readSentBody(text, isCut);

  const find = (field: Field): SentField => findField(field, sent.pairs, login);
  const deviceKey = find("device_key");
  const time = find("timestamp");
  const written = find("device_signature");
  const timestamp =
    time.value === undefined ? undefined : readSentTimestamp(time.pair?.value ?? time.value, login?.timestamp);
  const signature = written.value === undefined ? undefined : readSentSignature(written.value);

  const noticed: readonly Noticed[] = [
    { field: "device_key", name: deviceKey.mistake, shape: shapeOf(deviceKey.value) },
    { field: "timestamp", name: time.mistake, shape: timestamp?.mistake },
    { field: "device_signature", name: written.mistake, shape: signature?.mistake },
  ];
  const refused = isCut
    ? finding("too_large", body.length, maxLoginBytes)
    : unexplained(refusal, sent, !text.includes("\ufffd"), noticed);
  const mistakes = [
    refused,
    ...sent.mistakes,
    ...noticed.map(({ name }) => name),
    ...noticed.map(({ shape }) => shape),
  ];
  return {
    mistakes: mistakes.filter((mistake) => mistake !== undefined),
    text: sent.text,
    deviceKey: deviceKey.value,
    timestamp,
    signature: signature !== undefined && "recognise" in signature ? signature : undefined,
    unsignedText: written.pair && `${sent.text.slice(0, written.pair.from)}""${sent.text.slice(written.pair.to)}`,
  };
}

interface Strict {
  readonly login?: LoginRequest;
  readonly refusal?: AuthError;
}

function readStrictly(body: Uint8Array, { readLogin }: LoginReader): Strict {
  try {
    return { login: readLogin(body) };
  } catch (error) {
    if (error instanceof AuthError) return { refusal: error };
    throw error;
  }
}

function shapeOf(deviceKey: string | undefined): Finding | undefined {
  try {
    if (deviceKey !== undefined) readDeviceKey(deviceKey);
    return undefined;
  } catch (error) {
    if (error instanceof AuthError) return finding("device_key_shape", error.message);
    throw error;
  }
}

/** What is wrong with a field, its name or its value. */
interface Noticed {
  readonly field: Field;
  readonly name: Finding | undefined;
  readonly shape: Finding | undefined;
}

/** What the gateway's reader refused, where nothing that was found tells of it. */
function unexplained(
  refusal: AuthError | undefined,
  { isJson, mistakes }: SentBody,
  isUtf8: boolean,
  noticed: readonly Noticed[],
): Finding | undefined {
  if (refusal === undefined) return undefined;
  const { field } = refusal.particulars;
  const about = noticed.find((one) => one.field === field);
  // What is no UTF-8 is refused for that before all else; what is no JSON, before any value of it is looked at.
  const isTold =
    field === undefined
      ? isUtf8 && mistakes.length > 0
      : about?.name !== undefined || (isJson && about?.shape !== undefined);
  return isTold ? undefined : finding("malformed", refusal.message);
}
