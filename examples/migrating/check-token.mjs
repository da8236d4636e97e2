// Checks tokens of the old server and of the gateway; put old-public-key.pem beside the service.

import { readFileSync } from "node:fs";
import { createRemoteJWKSet, decodeProtectedHeader, importSPKI, jwtVerify } from "jose";

const oldKey = await importSPKI(readFileSync("old-public-key.pem", "utf8"), "RS256");
const keys = createRemoteJWKSet(new URL("http://127.0.0.1:8080/.well-known/jwks.json"));
const expected = { issuer: "http://127.0.0.1:8080", audience: "devices", algorithms: ["RS256"] };

export async function checkToken(token) {
  const isOld = decodeProtectedHeader(token).kid === undefined;
  const { payload } = isOld
    ? await jwtVerify(token, oldKey, { algorithms: ["RS256"], requiredClaims: ["iat", "exp"] })
    : await jwtVerify(token, keys, expected);
  return payload;
}
