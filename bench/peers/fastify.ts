// Peer: the same login on fastify with @fastify/rate-limit and @fastify/jwt.

import { randomUUID } from "node:crypto";
import jwt from "@fastify/jwt";
import rateLimit from "@fastify/rate-limit";
import fastify from "fastify";
import { Redis } from "ioredis";
import { exportPKCS8, exportSPKI, generateKeyPair } from "jose";
import { createProofCheck } from "../bare-login.ts";
import { AUDIENCE, CUSTOMER_ID, ISSUER, LOGIN_LIMIT, type LoginBody, TOKEN_SECONDS, WINDOW_MS } from "../contract.ts";
import { servePeer } from "../serve-peer.ts";

const REQUEST = {
  type: "object",
  required: ["device_key", "timestamp", "device_signature"],
  properties: {
    device_key: { type: "string" },
    timestamp: { type: "integer" },
    device_signature: { type: "string" },
  },
};

const RESPONSE = {
  type: "object",
  properties: { token: { type: "string" }, expires_in: { type: "integer" } },
};

servePeer(async ({ redisUrl, fleet, algorithm }) => {
  const checkProof = createProofCheck(fleet);
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });

  const app = fastify();
  // All that is the same for every token is said here: the plugin makes a new signer for each that has options of its own.
  await app.register(jwt, {
    secret: { private: await exportPKCS8(privateKey), public: await exportSPKI(publicKey) },
    sign: { algorithm, iss: ISSUER, aud: AUDIENCE, expiresIn: TOKEN_SECONDS, kid: randomUUID() },
  });
  await app.register(rateLimit, {
    max: LOGIN_LIMIT,
    timeWindow: WINDOW_MS,
    redis: new Redis(redisUrl),
    nameSpace: "fastify:",
    // Once there is a body to know the device by.
    hook: "preHandler",
    keyGenerator: ({ body }) => (body as LoginBody).device_key,
  });
  app.post<{ Body: LoginBody }>(
    "/auth/login",
    { schema: { body: REQUEST, response: { 200: RESPONSE } } },
    async (request, reply) => {
      const { device_key, timestamp, device_signature } = request.body;
      const refusal = checkProof(device_key, timestamp, device_signature);
      if (refusal !== undefined) return reply.code(401).send({ code: refusal });
      const token = app.jwt.sign({ sub: device_key, jti: randomUUID(), customer_id: CUSTOMER_ID });
      return { token, expires_in: TOKEN_SECONDS };
    },
  );
  return app.listen({ host: "127.0.0.1", port: 0 });
});
