// The fields of a login among the names that a device sent. Knows the contract's names, and nothing of their values.

import type { LoginRequest } from "../login.ts";
import { type Finding, finding } from "./findings.ts";
import type { Pair } from "./pair-scan.ts";

export type Field = "device_key" | "timestamp" | "device_signature";

/** What each field is called by those who do not call it by its name; letters and digits alone. */
const NAMES: Readonly<Record<Field, readonly string[]>> = {
  device_key: ["devicekey", "deviceid", "device", "key", "id"],
  timestamp: ["timestamp", "time", "ts", "unixtime"],
  device_signature: ["devicesignature", "signature", "sign", "sig", "hmac", "mac"],
};

export interface SentField {
  /** Undefined where nothing was found that could be it. */
  readonly value: string | undefined;
  /** Where it stands in the body, if it could be made out. */
  readonly pair: Pair | undefined;
  /** What is wrong with its name. */
  readonly mistake: Finding | undefined;
}

/** Finds a field; `login` is what the gateway's own reader made of the body, if it did. */
export function findField(field: Field, pairs: readonly Pair[], login: LoginRequest | undefined): SentField {
  const exact = pairs.find(({ name }) => name === field || name === camelCase(field));
  const accepted = acceptedValue(field, login);
  const value = accepted ?? exact?.value;
  if (value !== undefined) return { value, pair: exact, mistake: undefined };
  const near = NAMES[field].map((name) => pairs.find((pair) => plain(pair.name) === name)).find(Boolean);
  if (near === undefined) {
    return { value: undefined, pair: undefined, mistake: finding("missing_field", `${field} is missing or empty`) };
  }
  return { value: near.value, pair: near, mistake: finding("field_name", field, showName(near.name)) };
}

/** Undefined too where it is empty. */
function acceptedValue(field: Field, login: LoginRequest | undefined): string | undefined {
  if (field === "timestamp") return login?.timestamp?.toString();
  return (field === "device_key" ? login?.deviceKey : login?.deviceSignature) || undefined;
}

function camelCase(field: Field): string {
  return field.replace(/_(.)/, (_, letter: string) => letter.toUpperCase());
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "");
}

/** What the device sent is repeated only when it is made of letters that can do no harm. */
function showName(name: string): string {
  return /^[\w.-]{1,32}$/.test(name) ? name : "a name much like it";
}
