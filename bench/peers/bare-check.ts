// Peer: checks a token on node:http with jose alone.

import { createServer } from "node:http";
import { importJWK, jwtVerify } from "jose";
import { AUDIENCE, ISSUER } from "../contract.ts";
import { listen, servePeer } from "../serve-peer.ts";

servePeer(async ({ jwks, algorithm }) => {
  // The key is imported once and needs no look-up: the cheapest use of jose.
  const jwk = jwks?.keys.find(({ alg }) => alg === algorithm);
  if (jwk === undefined) throw new Error(`no ${algorithm} key to check tokens with`);
  const key = await importJWK(jwk, algorithm);
  const expected = { issuer: ISSUER, audience: AUDIENCE, algorithms: [algorithm], typ: "JWT" };
  return listen(
    createServer((request, response) => {
      jwtVerify(String(request.headers["x-access-token"]), key, expected).then(
        ({ payload: { sub, customer_id } }) => {
          response.writeHead(200, {
            "X-Device-Key": String(sub),
            "X-Customer-Id": String(customer_id),
            "Content-Length": 0,
          });
          response.end();
        },
        () => {
          response.writeHead(401, { "Content-Length": 0 });
          response.end();
        },
      );
    }),
  );
});
