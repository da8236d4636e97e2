// Signs a device's logins, each in a second of its own, by the gateway's clock once that is known. Knows no transport.

import { KeyObject } from "node:crypto";
import type { LoginRequest } from "../../gen/grpc/countersign/auth/v1/auth.ts";
import { computeSignature, secretFromText } from "../core/signature.ts";
import { systemClock } from "./clock.ts";
import { clockOffset } from "./clock-offset.ts";

/** Who logs in. */
export interface DeviceIdentity {
  /** As the operator handed it out: 1 to 96 visible ASCII characters. */
  readonly deviceKey: string;
  /** The secret: as text, as a file's bytes, whose last line break is not part of it, or as a KeyObject, taken as it is. */
  readonly customerKey: string | Uint8Array | KeyObject;
}

export interface LoginSignerOptions extends DeviceIdentity {
  /** The clock, in unix milliseconds. */
  readonly now?: () => number;
}

export interface LoginSigner {
  /** A login of this second, or of the first one later than any that was signed before. */
  sign(): LoginRequest;
  /**
   * Sets the clock by the gateway's, in Unix seconds: of the years 2025 to 2099, and no more than 366 days from the machine's own, unless
   * that stands before 2025, as one that was never set. @throws RangeError, and leaves the clock as it was
   */
  learn(serverTime: number): void;
}

/** @throws TypeError when the keys cannot be what was handed out; it repeats neither */
export function createLoginSigner({ deviceKey, customerKey, now = systemClock }: LoginSignerOptions): LoginSigner {
  if (!/^[\x21-\x7e]{1,96}$/.test(deviceKey)) throw new TypeError("deviceKey is not 1 to 96 visible ASCII characters");
  // Kept so that no dump and no log line shows it.
  const secret = customerKey instanceof KeyObject ? customerKey : secretFromText(readSecret(customerKey));
  if (secret.type !== "secret") throw new TypeError("customerKey is half of a key pair: it has to be a secret key");
  let offsetMs = 0;
  let last = Number.NEGATIVE_INFINITY;
  return {
    sign() {
      // A login that got lost may have been counted: the same second again would be the same login, and a replay.
      last = Math.max(Math.floor((now() + offsetMs) / 1000), last + 1);
      const signature = computeSignature(secret, last, deviceKey);
      return { device_key: deviceKey, timestamp: last, device_signature: signature.toString("hex") };
    },
    learn(serverTime) {
      offsetMs = clockOffset(serverTime, now());
      // What was signed by the clock as it was is refused for its time, and cannot come back.
      last = Number.NEGATIVE_INFINITY;
    },
  };
}

function readSecret(customerKey: string | Uint8Array): string {
  const secret = typeof customerKey === "string" ? customerKey : decode(customerKey).replace(/\r?\n$/, "");
  if (secret === "") throw new TypeError("customerKey is empty");
  if (typeof customerKey === "string" && /[\r\n]$/.test(secret)) {
    throw new TypeError(
      "customerKey ends in a line break. Of a file, hand over the bytes; if it is part of the secret, a KeyObject",
    );
  }
  if (/[\r\n]/.test(secret)) throw new TypeError("customerKey has several lines: it has to be the secret alone");
  if (secret.startsWith("\ufeff")) {
    throw new TypeError("customerKey begins with a byte order mark, which would be part of the secret");
  }
  return secret;
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new TypeError("customerKey is not UTF-8: a secret is text");
  }
}
