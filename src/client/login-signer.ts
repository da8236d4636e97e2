// Signs a device's logins, at most one for each second.

import { KeyObject } from "node:crypto";
import { status } from "@grpc/grpc-js";
import type { LoginRequest, LoginResponse } from "../../gen/grpc/countersign/auth/v1/auth.ts";
import { computeSignature, secretFromText } from "../core/signature.ts";
import type { AuthClient } from "./auth-client.ts";
import { systemClock } from "./clock.ts";
import { RpcError } from "./rpc-error.ts";

export interface DeviceIdentity {
  /** 1 to 96 visible ASCII characters. */
  readonly deviceKey: string;
  /** The secret: as text, as the bytes of a file, whose last line break is dropped, or as a KeyObject. */
  readonly customerKey: string | Uint8Array | KeyObject;
}

export interface LoginSignerOptions extends DeviceIdentity {
  /** The clock, in Unix milliseconds. */
  readonly now?: () => number;
}

export interface LoginSigner {
  /** A login of this second, or of the first second after the last one signed. */
  sign(): LoginRequest;
  /** Follows the gateway's clock, in Unix seconds, from now on. @returns false for a time outside of the years 2025 to 2099 */
  learn(serverTime: number): boolean;
}

const YEAR_2025 = 1_735_689_600;
const YEAR_2100 = 4_102_444_800;

/** @throws TypeError for an invalid deviceKey or customerKey; the message repeats neither */
export function createLoginSigner({ deviceKey, customerKey, now = systemClock }: LoginSignerOptions): LoginSigner {
  if (!/^[\x21-\x7e]{1,96}$/.test(deviceKey)) throw new TypeError("deviceKey is not 1 to 96 visible ASCII characters");
  const secret = customerKey instanceof KeyObject ? customerKey : secretFromText(readSecret(customerKey));
  let offsetMs = 0;
  let last = Number.NEGATIVE_INFINITY;
  return {
    sign() {
      // The same second again would be the same login, and a replay.
      last = Math.max(Math.floor((now() + offsetMs) / 1000), last + 1);
      const signature = computeSignature(secret, last, deviceKey);
      return { device_key: deviceKey, timestamp: last, device_signature: signature.toString("hex") };
    },
    learn(serverTime) {
      if (!(serverTime >= YEAR_2025 && serverTime < YEAR_2100)) return false;
      offsetMs = serverTime * 1000 - now();
      last = Number.NEGATIVE_INFINITY;
      return true;
    },
  };
}

function readSecret(customerKey: string | Uint8Array): string {
  const secret =
    typeof customerKey === "string" ? customerKey : new TextDecoder().decode(customerKey).replace(/\r?\n$/, "");
  if (secret === "") throw new TypeError("customerKey is empty");
  if (/[\r\n]/.test(secret)) throw new TypeError("customerKey has a line break. Pass the bytes of a file as they are");
  return secret;
}

/** Failures after which a newly signed login may succeed. */
type Retryable = "clock" | "replay" | "connection";

/**
 * Logs in. After each kind of retryable failure it signs a new login, once.
 * @throws RpcError, or the reason of `signal`
 */
export async function logIn(
  client: Pick<AuthClient, "login">,
  signer: LoginSigner,
  signal: AbortSignal,
): Promise<LoginResponse> {
  const retried = new Set<Retryable>();
  for (;;) {
    try {
      const response = await client.login(signer.sign(), { signal });
      if (response.token !== "" && response.expires_in > 0) return response;
      throw new RpcError(status.INTERNAL, "internal: the answer to a login has no token, or an expires_in of 0");
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      const failure = retryableOf(error);
      if (failure === undefined || retried.has(failure)) throw error;
      retried.add(failure);
      if (failure === "clock" && !signer.learn(error.details.serverTime ?? 0)) throw error;
    }
  }
}

function retryableOf({ code, reason, details }: RpcError): Retryable | undefined {
  if (reason === "clock_skew") return details.serverTime === undefined ? undefined : "clock";
  if (reason === "replayed") return "replay";
  return reason === undefined && code === status.UNAVAILABLE ? "connection" : undefined;
}
