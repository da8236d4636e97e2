// Peer: oidc-provider's client credentials, a client for each device and a JWT for its token. Has no limits and no Redis.

import { createServer } from "node:http";
import { exportJWK, generateKeyPair } from "jose";
import Provider from "oidc-provider";
import { AUDIENCE, CUSTOMER_ID, ISSUER, TOKEN_SECONDS } from "../contract.ts";
import { listen, servePeer } from "../serve-peer.ts";

const RESOURCE = `${ISSUER}/${AUDIENCE}`;

servePeer(async ({ fleet, algorithm }) => {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const provider = new Provider(ISSUER, {
    // Of the configuration, and not of an adapter: of those it keeps no more than a hundred, and checks all others anew.
    clients: fleet.deviceKeys.map((deviceKey) => ({
      client_id: deviceKey,
      client_secret: fleet.customerKey,
      token_endpoint_auth_method: "client_secret_post" as const,
    })),
    clientDefaults: {
      grant_types: ["client_credentials"],
      response_types: [],
      redirect_uris: [],
      id_token_signed_response_alg: algorithm,
    },
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: algorithm, use: "sig" }] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        getResourceServerInfo: () => ({
          scope: "",
          audience: AUDIENCE,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: algorithm } },
        }),
      },
    },
    extraTokenClaims: () => ({ customer_id: CUSTOMER_ID }),
    ttl: { ClientCredentials: TOKEN_SECONDS },
  });
  return listen(createServer(provider.callback()));
});
