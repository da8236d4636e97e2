// The fleet that logs in: devices of one customer, and their logins signed as HTTP/1.1 requests. Knows the contract alone.

import { createHmac, randomBytes, randomUUID } from "node:crypto";

export interface Fleet {
  readonly customerKey: string;
  readonly deviceKeys: readonly string[];
}

/** A request with a right proof, and who sends it. */
export interface SignedRequest {
  readonly deviceKey: string;
  readonly bytes: Buffer;
}

/** A fleet of new names, so that no limit has heard of it. */
export function createFleet(size: number): Fleet {
  return {
    customerKey: randomBytes(32).toString("hex"),
    deviceKeys: Array.from({ length: size }, () => randomUUID()),
  };
}

/** A login of each of the devices, signed at `timestamp` (unix seconds). */
export function signRequests(customerKey: string, deviceKeys: readonly string[], timestamp: number): SignedRequest[] {
  return deviceKeys.map((deviceKey) => {
    const signature = createHmac("sha256", customerKey).update(`${timestamp}${deviceKey}`).digest("hex");
    const body = JSON.stringify({ device_key: deviceKey, timestamp, device_signature: signature });
    const head =
      "POST /auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n" +
      `Content-Length: ${body.length}\r\n\r\n`;
    return { deviceKey, bytes: Buffer.from(head + body, "latin1") };
  });
}

/** @throws Error unless `body` is a login's answer to this very device: the load is void when one is not */
export function checkAnswer(status: number, body: string, deviceKey: string): void {
  if (status !== 200) throw new Error(`status ${status}: ${body}`);
  const { token } = JSON.parse(body);
  const [head, claims, signature] = String(token).split(".");
  if (head === undefined || claims === undefined || signature?.length !== SIGNATURE_LENGTH)
    throw new Error(`no RS256 token in ${body}`);
  const { sub, iat, exp } = JSON.parse(Buffer.from(claims, "base64url").toString());
  if (sub !== deviceKey || exp - iat !== TOKEN_SECONDS) throw new Error(`the wrong claims in ${body}`);
}

/** 256 bytes of RSA-2048 in base64url. */
const SIGNATURE_LENGTH = 342;
const TOKEN_SECONDS = 600;
