// The check of a token with jose and nothing else, for the peers that are a bare protocol. Knows no protocol.

import { importJWK, type JWTPayload, jwtVerify } from "jose";
import { AUDIENCE, ISSUER } from "./contract.ts";
import type { PeerSetup } from "./peer.ts";

/** The claims of a good token. Rejects with what is wrong with any other. */
export type BareCheck = (token: string) => Promise<JWTPayload>;

/** The key is imported once, and no token says which it is: as cheap as jose can be had. */
export async function createBareCheck({ jwks, algorithm }: PeerSetup): Promise<BareCheck> {
  const jwk = jwks?.keys.find(({ alg }) => alg === algorithm);
  if (jwk === undefined) throw new Error(`no ${algorithm} key to check tokens with`);
  const key = await importJWK(jwk, algorithm);
  const expected = { issuer: ISSUER, audience: AUDIENCE, algorithms: [algorithm], typ: "JWT" };
  return async (token) => (await jwtVerify(token, key, expected)).payload;
}
