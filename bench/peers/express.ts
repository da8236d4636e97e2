// Peer: the same login on express with express-rate-limit, rate-limit-redis and jsonwebtoken, given a key object.

import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import express from "express";
import { rateLimit } from "express-rate-limit";
import { Redis } from "ioredis";
import jwt from "jsonwebtoken";
import { type RedisReply, RedisStore } from "rate-limit-redis";
import { AUDIENCE, CUSTOMER_ID, ISSUER, LOGIN_LIMIT, type LoginBody, TOKEN_SECONDS, WINDOW_MS } from "../contract.ts";
import { createProofCheck } from "../proof.ts";
import { listen, servePeer } from "../serve-peer.ts";

servePeer(async ({ redisUrl, fleet, algorithm }) => {
  if (algorithm !== "RS256") throw new Error(`jsonwebtoken has no ${algorithm}`);
  const redis = new Redis(redisUrl);
  const checkProof = createProofCheck(fleet);
  // jsonwebtoken would parse a PEM for each token.
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const keyid = randomUUID();

  const app = express();
  // A token is not to be compared with an older one, and this costs a hash of it.
  app.disable("etag");
  app.disable("x-powered-by");
  app.use(express.json());
  app.post(
    "/auth/login",
    rateLimit({
      windowMs: WINDOW_MS,
      limit: LOGIN_LIMIT,
      keyGenerator: ({ body }) => (body as LoginBody).device_key,
      store: new RedisStore({
        prefix: "express:",
        // The type of a raw answer of ioredis.
        sendCommand: (command, ...args) => redis.call(command, ...args) as Promise<RedisReply>,
      }),
    }),
    (request, response) => {
      const { device_key, timestamp, device_signature }: LoginBody = request.body;
      const refusal = checkProof(device_key, timestamp, device_signature);
      if (refusal !== undefined) {
        response.status(401).json({ code: refusal });
        return;
      }
      const token = jwt.sign({ customer_id: CUSTOMER_ID }, privateKey, {
        algorithm,
        keyid,
        issuer: ISSUER,
        audience: AUDIENCE,
        subject: device_key,
        jwtid: randomUUID(),
        expiresIn: TOKEN_SECONDS,
      });
      response.json({ token, expires_in: TOKEN_SECONDS });
    },
  );
  return listen(createServer(app));
});
