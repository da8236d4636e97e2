// Finds the key that made a signature, or the mistake in it.

import { createHmac, createSecretKey, hash } from "node:crypto";
import { stateOf } from "../registry/customer-keys.ts";
import type { CustomerSecret, Device } from "../registry/ports.ts";
import { deriveDeviceKey } from "../signature.ts";
import { type Finding, finding, inWords, OWN_KEY_PAIR, type Proof } from "./findings.ts";
import type { SentLogin } from "./sent-login.ts";

/** A secret as it is flashed. */
export interface CandidateKey {
  readonly keyId: string;
  readonly bytes: Buffer;
  /** The gateway accepts a signature of this key now. */
  readonly isValid: boolean;
  /** Findings about a login signed with this key; a valid key may have some too. */
  readonly findings: readonly Finding[];
}

/** Lists the keys to try, valid ones first. `secrets` are the customer's, newest first. */
export function candidateKeys(device: Device, secrets: readonly CustomerSecret[], now: number): CandidateKey[] {
  const candidates = secrets.flatMap((secret): CandidateKey[] => {
    const { keyId, purpose } = secret;
    const newest = secrets.find((other) => other.purpose === purpose && stateOf(other, now) === "live");
    const judged = { keyId, ...judge(secret, device, newest, now) };
    if (purpose === "login") return [{ ...judged, bytes: Buffer.from(secret.secret) }];
    const derived = Buffer.from(deriveDeviceKey(createSecretKey(secret.secret), device.deviceKey));
    const message = `It is signed with the derivation key ${keyId} itself. Replace it and flash the key that derive-key prints`;
    const itself = { keyId, bytes: Buffer.from(secret.secret), isValid: false };
    return [
      { ...judged, bytes: derived },
      { ...itself, findings: [finding("derivation_key", message)] },
    ];
  });
  return [...candidates.filter(({ isValid }) => isValid), ...candidates.filter(({ isValid }) => !isValid)];
}

function judge(
  secret: CustomerSecret,
  { keyMode, acceptsShared }: Device,
  newest: CustomerSecret | undefined,
  now: number,
): Pick<CandidateKey, "isValid" | "findings"> {
  const { keyId, purpose, notBefore, retiredAt, expiresAt = now } = secret;
  const isDue = (keyMode === "derived") === (purpose === "derivation");
  const isMoving = keyMode === "derived" && acceptsShared && purpose === "login";
  const state = stateOf(secret, now);
  const findings: Finding[] = [];
  const add = (code: string, message: string): number => findings.push(finding(code, `It is signed with ${message}`));
  const ago = (then: number): string => inWords((now - then) / 1000);
  if (!isDue && !isMoving) {
    if (purpose === "login")
      add("shared_key", `the shared key ${keyId}. Flash the key that derive-key prints for this device`);
    else add("derived_key", `a key derived from ${keyId}. Flash the shared key or set key mode derived`);
  }
  if (retiredAt !== undefined) add("retired_key", `key ${keyId} that was retired ${ago(retiredAt)} ago`);
  else if (notBefore > now) add("pending_key", `key ${keyId} that becomes valid in ${ago(notBefore)}`);
  else if (state !== "live") add("expired_key", `key ${keyId} that expired ${ago(expiresAt)} ago`);
  else if (isMoving) add("moving", `the shared key ${keyId}. It is refused once the move ends`);
  else if (newest !== undefined && newest !== secret) {
    add("older_key", `key ${keyId}. Key ${newest.keyId} is newer. Flash that one`);
  }
  return { isValid: state === "live" && (isDue || isMoving), findings };
}

/**
 * Finds the key that made a login's signature, or the single mistake with a valid key that leads to it. Costs one MAC for each key
 * and some 350 for each valid one.
 */
export function explainSignature(sent: SentLogin, device: Device, keys: readonly CandidateKey[]): Proof {
  const { time, signature } = sent;
  const { deviceKey } = device;
  if (device.publicKey !== "") return { findings: [OWN_KEY_PAIR] };
  if (signature === "") return { findings: [] };
  const message = `${time}${deviceKey}`;
  const exact = keys.find(({ bytes }) => mac(bytes, message) === signature);
  if (exact !== undefined) {
    const { isValid, keyId, findings } = exact;
    const usedUp = device.replayGuard ? " or the same timestamp was used before" : "";
    return isValid ? { keyId, usedUp, findings } : { findings };
  }
  const without = noKeys(device).find(([text]) => mac(text, message) === signature);
  if (without !== undefined) return { findings: [without[1]] };
  for (const { bytes, findings } of keys.filter(({ isValid }) => isValid)) {
    const mistakes: Wrong<string>[] = [
      ...wrongMessages(sent, deviceKey).map(([text, about]): Wrong<string> => [mac(bytes, text), about]),
      ...wrongKeys(bytes, deviceKey).map(([key, about]): Wrong<string> => [mac(key, message), about]),
      ...wrongFunctions(bytes, message),
      ...misprints(mac(bytes, message), signature),
    ];
    const made = mistakes.find(([digits]) => digits === signature);
    if (made !== undefined) return { findings: [...findings, made[1]] };
  }
  const advice = "Compare with what countersign sign prints for the same timestamp";
  return { findings: [finding("no_known_mistake", `No single known mistake gives this signature. ${advice}`)] };
}

function mac(key: Buffer | string, message: string, algorithm = "sha256"): string {
  const secret = typeof key === "string" ? createSecretKey(key, "utf8") : createSecretKey(key);
  return createHmac(algorithm, secret).update(message).digest("hex");
}

/** A value that a mistake leads to, and its message. */
type Wrong<Value> = readonly [value: Value, about: Finding];

function wrong<Value>(code: string, message: string, ...values: readonly Value[]): Wrong<Value>[] {
  return values.map((value) => [value, finding(code, message)]);
}

/** Values that a board without a key signs with. */
function noKeys({ deviceKey, customerId }: Device): Wrong<string>[] {
  const names = ["customer_key", "customerKey", "<customer_key>", "undefined", "null", deviceKey, customerId];
  const placeholder = "It is signed with a placeholder or a name. Put the customer key in its place";
  return [
    ...wrong("empty_key", "It is signed with an empty key. The board does not have its key or does not find it", ""),
    ...wrong("placeholder_key", placeholder, ...names),
  ];
}

function wrongMessages({ time, sentTime, text: body }: SentLogin, deviceKey: string): Wrong<string>[] {
  const right = `${time}${deviceKey}`;
  const json = { device_key: deviceKey, timestamp: Number(time) };
  const swapped = { timestamp: json.timestamp, device_key: deviceKey };
  const lines = [`${right}\n`, `${right}\r\n`];
  const separated = [..." :,.|\n-_"].map((mark) => `${time}${mark}${deviceKey}`);
  const seconds = [-2, -1, 1, 2].map((off) => `${json.timestamp + off}${deviceKey}`);
  const cases = [`${time}${deviceKey.toUpperCase()}`, `${time}${deviceKey.toLowerCase()}`];
  const signs = (code: string, what: string, ...texts: readonly string[]): Wrong<string>[] =>
    wrong(code, `It signs ${what}. Sign the timestamp followed at once by the device_key`, ...texts);
  return [
    ...signs("signed_as_sent", "the timestamp as it was sent and not as whole seconds", `${sentTime}${deviceKey}`),
    ...signs("parts_swapped", "the parts in the other order", `${deviceKey}${time}`),
    ...signs("trailing_newline", "a line break at the end. printf %s and echo -n print none", ...lines),
    ...signs("trailing_byte", "a zero byte or a space at the end too", `${right}\0`, `${right} `),
    ...signs("separator", "a separator between the parts too", ...separated),
    ...signs("one_part", "one part alone", time, deviceKey),
    ...signs("signed_body", "the JSON", body, JSON.stringify(json), JSON.stringify(swapped)),
    ...signs("signed_milliseconds", "the timestamp in milliseconds and sends seconds", `${time}000${deviceKey}`),
    ...signs("other_timestamp", "another second than it sends", ...seconds),
    ...signs("signed_device_key", "the device_key in another case", ...cases),
  ];
}

/** The largest buffer of firmware that would cut a key short, in bytes. */
const LONGEST_CUT = 256;
/** The shortest prefix of a key that is tried, in bytes. With shorter ones a caller could guess the key byte by byte. */
const SHORTEST_KEY = 16;

export function wrongKeys(key: Buffer, deviceKey: string): Wrong<Buffer | string>[] {
  const text = key.toString("utf8");
  const spaced = [` ${text}`, `${text} `, text.trim()];
  const lengths = Array.from({ length: LONGEST_CUT }, (_, index) => index + 1).reverse();
  const cuts = lengths.filter((length) => length >= SHORTEST_KEY && length < key.length);
  // Node decodes up to the first character that is not a hex digit.
  const hex = Buffer.from(text, "hex");
  const isHex = hex.length >= SHORTEST_KEY && 2 * hex.length === text.length;
  const uses = (code: string, how: string, ...keys: readonly (Buffer | string)[]): Wrong<Buffer | string>[] =>
    wrong(code, `The firmware uses the key ${how}. Use its characters exactly as they were issued`, ...keys);
  return [
    ...uses("key_line_break", "with a line break at its end", `${text}\n`, `${text}\r\n`),
    ...uses("key_white_space", "with white space added around it or its own removed", ...spaced),
    ...uses("key_quotes", "with quotes around it", `"${text}"`, `'${text}'`),
    ...uses("key_label", "with a name before it", `${deviceKey} ${text}`, `customer_key ${text}`),
    ...uses("key_decoded", "decoded from hex", isHex ? hex : text),
    ...uses("key_decoded", "decoded from base64", Buffer.from(text, "base64")),
    ...uses("key_encoded", "encoded in hex", key.toString("hex")),
    ...uses("key_encoded", "encoded in base64", key.toString("base64")),
    ...uses("key_case", "in another case", text.toUpperCase(), text.toLowerCase()),
    ...cuts.flatMap((length) => uses("key_truncated", `cut to ${length} bytes`, key.subarray(0, length))),
  ];
}

function wrongFunctions(key: Buffer, message: string): Wrong<string>[] {
  const sha256 = (...parts: readonly (Buffer | string)[]): string =>
    hash("sha256", Buffer.concat(parts.map((part) => Buffer.from(part))));
  const plain = [sha256(key, message), sha256(message, key), sha256(message)];
  const is = (code: string, what: string, ...digits: readonly string[]): Wrong<string>[] =>
    wrong(code, `It is ${what}. Use HMAC-SHA256 with the customer key as the key`, ...digits);
  return [
    ...is("key_and_message_swapped", "an HMAC with key and message swapped", mac(message, key.toString("utf8"))),
    ...is("plain_hash", "a plain hash", ...plain),
    ...["md5", "sha1", "sha384", "sha512"].flatMap((name) =>
      is("other_hash", `made with ${name}`, mac(key, message, name)),
    ),
  ];
}

/** Fewer equal digits can be chance. */
const LEAST_DIGITS = 16;

/** Ways to print the right MAC wrongly. */
function misprints(right: string, sent: string): Wrong<string>[] {
  const { length } = sent;
  const cuts = length < LEAST_DIGITS ? [] : [right.slice(0, length), right.slice(-length)];
  const zeros = "lacks the zeros of bytes under 16. Print each byte with %02x instead of %x";
  const has = (code: string, what: string, ...digits: readonly string[]): Wrong<string>[] =>
    wrong(code, `device_signature ${what}`, ...digits);
  return [
    ...has("signature_truncated", `has ${length} of 64 digits. Check the buffer's size`, ...cuts),
    ...has("signature_too_long", "has more than its 64 digits. Send only the first 64", right + sent.slice(64)),
    ...has("hex_without_zeros", zeros, right.replace(/0(.)|(..)/g, "$1$2")),
  ];
}
