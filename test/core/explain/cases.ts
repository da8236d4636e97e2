// Explains logins of a customer with keys of every kind and three devices.

import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { createExplainLogin, type Explanation } from "../../../src/core/explain.ts";
import type { KeyPurpose } from "../../../src/core/ports.ts";
import type { CustomerSecret, Device, StoredCustomer, StoredDevice } from "../../../src/core/registry/ports.ts";
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
const VERSION = { createdAt: NOW - 90 * DAY, updatedAt: NOW - 90 * DAY, revision: 1 };

export const SECRETS = {
  login: "9b1f6f0c6a7e4d2f8a3b5c7d9e0f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b",
  older: "An older Secret, of 2019",
  retired: "the retired one 0123456789",
  expired: "the expired one 0123456789",
  pending: "the pending one 0123456789",
  derivation: "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee11",
  olderDerivation: "ba5eba11ba5eba11ba5eba11ba5eba11ba5eba11ba5eba11ba5eba11ba5eba22",
} as const;

export function boardKey(deviceKey: string, derivationKey: string = SECRETS.derivation): string {
  return deriveDeviceKey(secretFromText(derivationKey), deviceKey);
}

export function hmac(key: string | Buffer, message: string, hash = "sha256"): Buffer {
  return createHmac(hash, key).update(message).digest();
}

function customerSecret(keyId: string, purpose: KeyPurpose, secret: string, changes: Partial<CustomerSecret> = {}) {
  const usual = { customerId: "acme", notBefore: 0, createdAt: NOW - 10 * DAY };
  return keyOf(keyId, { ...usual, purpose, secret: Buffer.from(secret), ...changes });
}

/** The customer's keys, newest first. */
export const KEYS: readonly CustomerSecret[] = [
  customerSecret("pending", "login", SECRETS.pending, { notBefore: NOW + DAY }),
  customerSecret("login", "login", SECRETS.login),
  customerSecret("derivation", "derivation", SECRETS.derivation),
  customerSecret("older", "login", SECRETS.older),
  customerSecret("olderDerivation", "derivation", SECRETS.olderDerivation),
  customerSecret("expired", "login", SECRETS.expired, { expiresAt: NOW - 3 * DAY }),
  customerSecret("retired", "login", SECRETS.retired, { retiredAt: NOW - 2 * DAY }),
];

export interface Case {
  readonly deviceKey?: string;
  readonly body: string | Uint8Array;
  readonly receivedAt?: number;
  readonly device?: Partial<Device>;
  readonly customer?: Partial<StoredCustomer>;
  readonly keys?: readonly CustomerSecret[];
  /** Collects the keys that were passed to the explanation. */
  readonly passedKeys?: CustomerSecret[];
}

/** Reads a login's JSON body. @throws AuthError `malformed` */
const readLogin = createReadLogin(JSON_CODEC.read);

/** Explains a body as the gateway does at NOW. */
export function explain({
  deviceKey = SHARED,
  body,
  receivedAt,
  device,
  customer,
  keys = KEYS,
  passedKeys = [],
}: Case): Promise<Explanation> {
  const explainLogin = createExplainLogin({
    devices: {
      find: async (name) =>
        [SHARED, DERIVED, MOVING].map((key) => storedDevice(key, device)).find((one) => one.deviceKey === name),
    },
    customers: {
      find: async () => ({ ...usualCustomer, customerId: "acme", ...VERSION, ...customer }),
    },
    customerKeys: {
      secretsOf: async () => {
        const copies = keys.map((key) => ({ ...key, secret: Buffer.from(key.secret) }));
        passedKeys.push(...copies);
        return copies;
      },
    },
    readLogin,
    maxLoginBytes: MAX_MESSAGE_BYTES,
    audiences: () => ["https://login.example"],
    skewMs: SKEW,
    now: () => NOW,
  });
  return explainLogin({ deviceKey, body: typeof body === "string" ? Buffer.from(body) : body, receivedAt });
}

function storedDevice(deviceKey: string, changes: Partial<Device> = {}): StoredDevice {
  const keyMode = deviceKey === SHARED ? "shared" : "derived";
  const own = { deviceKey, customerId: "acme", keyMode, acceptsShared: deviceKey === MOVING } as const;
  return { ...usualDevice, ...own, ...UNSEEN, ...VERSION, ...changes };
}

/** A body as firmware writes it; absent fields are right. */
export function bodyOf(fields: {
  readonly deviceKey?: string;
  readonly timestamp?: string | number;
  readonly signature?: string;
}): string {
  const {
    deviceKey = SHARED,
    timestamp = SECONDS,
    signature = hmac(SECRETS.login, `${timestamp}${deviceKey}`).toString("hex"),
  } = fields;
  return `{"device_key": ${JSON.stringify(deviceKey)}, "timestamp": ${timestamp}, "device_signature": ${JSON.stringify(signature)}}`;
}

export const RIGHT = `${SECONDS}${SHARED}`;
export const MAC = hmac(SECRETS.login, RIGHT);
export const HEX = MAC.toString("hex");

/** A body of a device that is signed with a key. */
export function bodyBy(deviceKey: string, key: string | Buffer): string {
  return bodyOf({ deviceKey, signature: hmac(key, `${SECONDS}${deviceKey}`).toString("hex") });
}

/** A body whose signature covers `message`. */
export function signed(message: string, key: string | Buffer = SECRETS.login): string {
  return bodyOf({ signature: hmac(key, message).toString("hex") });
}

export interface Expectation extends Case {
  readonly mistake: string;
  /** The expected codes, in order. */
  readonly codes: readonly string[];
  /** Matches the first message. */
  readonly message?: RegExp;
}

export function expecting(mistake: string, body: string | Uint8Array, ...codes: readonly string[]): Expectation {
  return { mistake, body, codes };
}

/** Makes a test for each row: the findings for a login that would be refused. */
export function testFindings(cases: readonly Expectation[]): void {
  test.for(cases)("$mistake", async ({ mistake: _, codes, message = /./, ...received }) => {
    const { wouldSucceed, findings } = await explain(received);
    expect(findings.map(({ code }) => code)).toEqual(codes);
    expect(findings[0]?.message).toMatch(message);
    expect(wouldSucceed).toBe(false);
    // ASCII without characters that grpc-js percent-encodes.
    for (const finding of findings) expect(finding.message).toMatch(/^[^;/?:@&=+$,#\x7f-\uffff]+$/);
  });
}
