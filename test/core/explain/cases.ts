// Explains logins of a customer with every kind of key.

import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import type { Finding } from "../../../src/core/explain/findings.ts";
import { createExplainLogin } from "../../../src/core/explain.ts";
import type { CustomerSecret, Device, StoredCustomer } from "../../../src/core/registry/ports.ts";
import { deriveDeviceKey, secretFromText } from "../../../src/core/signature.ts";
import { MAX_MESSAGE_BYTES } from "../../../src/protocols/call.ts";
import { JSON_CODEC } from "../../../src/protocols/message.ts";
import { createReadLogin } from "../../../src/services/auth.ts";
import { keyOf, UNSEEN, customer as usualCustomer, device as usualDevice } from "../../contracts/store-samples.ts";

export const NOW = 1_764_000_000_000;
export const SECONDS = NOW / 1000;
export const SKEW = 300_000;
const DAY = 86_400_000;

export const SHARED = "3f0c2a9e-5b1d-4f7e-9a61-0d2c8b7e4f10";
export const DERIVED = "Pump-7";
export const MOVING = "Pump-8";

export const SECRETS = {
  login: "9b1f6f0c6a7e4d2f8a3b5c7d9e0f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b",
  older: "An older Secret, of 2019",
  retired: "the retired one 0123456789",
  expired: "the expired one 0123456789",
  pending: "the pending one 0123456789",
  derivation: "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee11",
  olderDerivation: "ba5eba11ba5eba11ba5eba11ba5eba11ba5eba11ba5eba11ba5eba11ba5eba22",
} as const;

/** The customer's keys, newest first. */
export const KEYS: readonly CustomerSecret[] = (
  [
    ["pending", { notBefore: NOW + DAY }],
    ["login", {}],
    ["derivation", { purpose: "derivation" }],
    ["older", {}],
    ["olderDerivation", { purpose: "derivation" }],
    ["expired", { expiresAt: NOW - 3 * DAY }],
    ["retired", { retiredAt: NOW - 2 * DAY }],
  ] as const
).map(([keyId, changes]) =>
  keyOf(keyId, { secret: Buffer.from(SECRETS[keyId]), notBefore: 0, createdAt: NOW - 10 * DAY, ...changes }),
);

export function boardKey(deviceKey: string): string {
  return deriveDeviceKey(secretFromText(SECRETS.derivation), deviceKey);
}

export function hmac(key: string | Buffer, message: string, hash = "sha256"): Buffer {
  return createHmac(hash, key).update(message).digest();
}

export const RIGHT = `${SECONDS}${SHARED}`;
export const MAC = hmac(SECRETS.login, RIGHT);
export const HEX = MAC.toString("hex");

/** A body as firmware writes it; absent fields are right. */
export function bodyOf(fields: {
  readonly deviceKey?: string;
  readonly timestamp?: string | number;
  readonly signature?: string;
}): string {
  const { deviceKey = SHARED, timestamp = SECONDS } = fields;
  const { signature = hmac(SECRETS.login, `${timestamp}${deviceKey}`).toString("hex") } = fields;
  return `{"device_key": ${JSON.stringify(deviceKey)}, "timestamp": ${timestamp}, "device_signature": ${JSON.stringify(signature)}}`;
}

/** A body of a device that is signed with a key. */
export function bodyBy(deviceKey: string, key: string | Buffer): string {
  return bodyOf({ deviceKey, signature: hmac(key, `${SECONDS}${deviceKey}`).toString("hex") });
}

/** A body whose signature covers `message`. */
export function signed(message: string, key: string | Buffer = SECRETS.login): string {
  return bodyOf({ signature: hmac(key, message).toString("hex") });
}

interface Case {
  readonly deviceKey?: string;
  readonly body: string;
  readonly receivedAt?: number;
  readonly device?: Partial<Device>;
  readonly customer?: Partial<StoredCustomer>;
  readonly keys?: readonly CustomerSecret[];
}

/** Explains a body as the gateway does at NOW. @returns the explanation, and the secrets that the store gave out */
export async function explain({ deviceKey = SHARED, body, receivedAt, device, customer, keys = KEYS }: Case) {
  const stored = { createdAt: NOW - 90 * DAY, updatedAt: NOW - 90 * DAY, revision: 1 };
  const keyMode: Device["keyMode"] = deviceKey === SHARED ? "shared" : "derived";
  const enrolled = { ...usualDevice, ...UNSEEN, ...stored, deviceKey, keyMode, acceptsShared: deviceKey === MOVING };
  const secrets = keys.map((key) => ({ ...key, secret: Buffer.from(key.secret) }));
  const explainLogin = createExplainLogin({
    devices: {
      find: async (name) => ([SHARED, DERIVED, MOVING].includes(name) ? { ...enrolled, ...device } : undefined),
    },
    customers: { find: async () => ({ ...usualCustomer, ...stored, ...customer }) },
    customerKeys: { secretsOf: async () => secrets },
    readLogin: createReadLogin(JSON_CODEC.read),
    maxLoginBytes: MAX_MESSAGE_BYTES,
    audiences: () => ["https://login.example"],
    skewMs: SKEW,
    now: () => NOW,
  });
  return { ...(await explainLogin({ deviceKey, body: Buffer.from(body), receivedAt })), secrets };
}

/** A login, or its body alone, and the expected codes, in order. */
export type Row = readonly [name: string, login: string | Case, ...codes: string[]];

/** Makes a test for each row. */
export function testFindings(rows: readonly Row[]): void {
  test.for(rows)("%s", async ([, login, ...codes]) => {
    await expectFindings(login, codes);
  });
}

export async function expectFindings(login: string | Case, codes: readonly string[]): Promise<readonly Finding[]> {
  const { wouldSucceed, findings } = await explain(typeof login === "string" ? { body: login } : login);
  expect(findings.map(({ code }) => code)).toEqual(codes);
  expect(wouldSucceed).toBe(codes[0] === "nothing_wrong");
  // ASCII without characters that grpc-js percent-encodes.
  for (const { message } of findings) expect(message).toMatch(/^[^;/?:@&=+$,#\x7f-\uffff]+$/);
  return findings;
}
