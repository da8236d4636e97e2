// A login with jose and ioredis alone, which the peers share.

import { createHmac, createSecretKey, type KeyObject, randomUUID, timingSafeEqual } from "node:crypto";
import { Redis, type Result } from "ioredis";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from "jose";
import { AUDIENCE, CUSTOMER_ID, ISSUER, LOGIN_LIMIT, SKEW_SECONDS, TOKEN_SECONDS, WINDOW_MS } from "./contract.ts";
import type { Fleet } from "./fleet.ts";
import type { PeerSetup } from "./peer.ts";

type ProofError = "clock_skew" | "invalid_credentials";

/** Undefined when the proof holds. */
type CheckProof = (deviceKey: string, timestamp: number, signature: string) => ProofError | undefined;

export function createProofCheck(fleet: Fleet): CheckProof {
  const secret = createSecretKey(fleet.customerKey, "utf8");
  const secrets = new Map<string, KeyObject>(fleet.deviceKeys.map((deviceKey) => [deviceKey, secret]));
  return (deviceKey, timestamp, signature) => {
    if (Math.abs(Math.floor(Date.now() / 1000) - timestamp) > SKEW_SECONDS) return "clock_skew";
    const key = secrets.get(deviceKey);
    if (key === undefined) return "invalid_credentials";
    const expected = createHmac("sha256", key).update(`${timestamp}${deviceKey}`).digest();
    const given = Buffer.from(signature, "hex");
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return "invalid_credentials";
    return undefined;
  };
}

type Limits = Readonly<Record<string, number>>;

/** The outcome of a login, with the limit's headers wherever the limit was checked. */
export type Outcome =
  | { readonly token: string; readonly limits: Limits }
  | { readonly token: undefined; readonly error: ProofError | "rate_limited"; readonly limits: Limits };

export type BareLogIn = (deviceKey: string, timestamp: number, signature: string) => Promise<Outcome>;

/** A sliding window: a sorted set of the admissions. Redis's own CPU is not counted. */
const SLIDING_WINDOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, now - window)
local used, admitted = redis.call('ZCARD', KEYS[1]), 0
if used < limit then
  admitted, used = 1, used + 1
  redis.call('ZADD', KEYS[1], now, time[1] .. '.' .. time[2])
  redis.call('PEXPIRE', KEYS[1], window)
end
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return { admitted, limit - used, oldest[2] + window }
`;

declare module "ioredis" {
  interface RedisCommander<Context> {
    slide(key: string, limit: number, windowMs: number): Result<[number, number, number], Context>;
  }
}

const NO_LIMITS: Limits = {};

export async function createBareLogIn({ redisUrl, fleet, algorithm }: PeerSetup): Promise<BareLogIn> {
  const redis = new Redis(redisUrl);
  redis.defineCommand("slide", { numberOfKeys: 1, lua: SLIDING_WINDOW });
  const checkProof = createProofCheck(fleet);
  const { privateKey, publicKey } = await generateKeyPair(algorithm);
  const header = { alg: algorithm, typ: "JWT", kid: await calculateJwkThumbprint(await exportJWK(publicKey)) };

  return async (deviceKey, timestamp, signature) => {
    const error = checkProof(deviceKey, timestamp, signature);
    if (error !== undefined) return { token: undefined, error, limits: NO_LIMITS };

    const [admitted, remaining, resetMs] = await redis.slide(`bare:${deviceKey}`, LOGIN_LIMIT, WINDOW_MS);
    const limits = {
      "X-RateLimit-Limit": LOGIN_LIMIT,
      "X-RateLimit-Remaining": remaining,
      "X-RateLimit-Reset": Math.ceil(resetMs / 1000),
    };
    if (admitted === 0) return { token: undefined, error: "rate_limited", limits };

    const now = Math.floor(Date.now() / 1000);
    const token = await new SignJWT({
      iss: ISSUER,
      sub: deviceKey,
      aud: AUDIENCE,
      iat: now,
      exp: now + TOKEN_SECONDS,
      jti: randomUUID(),
      customer_id: CUSTOMER_ID,
    })
      .setProtectedHeader(header)
      .sign(privateKey);
    return { token, limits };
  };
}
