// Peer: the same login on node:http with jose and ioredis and nothing else: what the work itself costs.

import { createHmac, createSecretKey, type KeyObject, randomUUID, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { Redis, type Result } from "ioredis";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from "jose";
import { originOf, servePeer } from "../serve-peer.ts";

const LIMIT = 10;
const WINDOW_MS = 60_000;
const SKEW_SECONDS = 300;
const TOKEN_SECONDS = 600;

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

servePeer(async ({ redisUrl, fleet }) => {
  const redis = new Redis(redisUrl);
  redis.defineCommand("slide", { numberOfKeys: 1, lua: SLIDING_WINDOW });

  const secret = createSecretKey(fleet.customerKey, "utf8");
  const secrets = new Map<string, KeyObject>(fleet.deviceKeys.map((deviceKey) => [deviceKey, secret]));
  const { privateKey, publicKey } = await generateKeyPair("RS256");
  const header = { alg: "RS256", typ: "JWT", kid: await calculateJwkThumbprint(await exportJWK(publicKey)) };

  async function logIn(body: Buffer, response: ServerResponse): Promise<void> {
    const { device_key: deviceKey, timestamp, device_signature: signature } = JSON.parse(body.toString());
    const now = Math.floor(Date.now() / 1000);
    if (Math.abs(now - timestamp) > SKEW_SECONDS) return answer(response, 401, { code: "clock_skew" });
    const key = secrets.get(deviceKey);
    if (key === undefined) return answer(response, 401, { code: "invalid_credentials" });
    const expected = createHmac("sha256", key).update(`${timestamp}${deviceKey}`).digest();
    const given = Buffer.from(signature, "hex");
    if (given.length !== expected.length || !timingSafeEqual(given, expected))
      return answer(response, 401, { code: "invalid_credentials" });

    const [admitted, remaining, resetMs] = await redis.slide(`bare:${deviceKey}`, LIMIT, WINDOW_MS);
    const limits = {
      "X-RateLimit-Limit": LIMIT,
      "X-RateLimit-Remaining": remaining,
      "X-RateLimit-Reset": Math.ceil(resetMs / 1000),
    };
    if (admitted === 0) return answer(response, 429, { code: "rate_limited" }, limits);

    const token = await new SignJWT({
      iss: "https://login.example",
      sub: deviceKey,
      aud: "devices",
      iat: now,
      exp: now + TOKEN_SECONDS,
      jti: randomUUID(),
      customer_id: "0123456789abcdef",
    })
      .setProtectedHeader(header)
      .sign(privateKey);
    answer(response, 200, { token, expires_in: TOKEN_SECONDS }, limits);
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      logIn(Buffer.concat(chunks), response).catch(() => answer(response, 500, { code: "internal" }));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return originOf(server);
});

function answer(response: ServerResponse, status: number, content: object, limits?: Record<string, number>): void {
  const body = JSON.stringify(content);
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(body),
    ...limits,
  });
  response.end(body);
}
