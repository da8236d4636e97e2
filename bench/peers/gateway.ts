// Peer: the gateway with everything on. Only the address limit is raised, since all the load comes from one address.

import { startGateway } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import { MAX_IMPORT_ROWS } from "../../src/core/registry/device-import.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { AUDIENCE, ISSUER } from "../contract.ts";
import { servePeer } from "../serve-peer.ts";

/** A device as it is by default. */
const ROW = {
  displayName: undefined,
  keyMode: undefined,
  sharedIdentity: undefined,
  replayGuard: undefined,
  labels: undefined,
};

servePeer(async ({ redisUrl, databaseUrl, folder, fleet, algorithm, listener, tls }) => {
  const config = readConfig(
    {
      COUNTERSIGN_PUBLIC_LISTEN: "127.0.0.1:0",
      COUNTERSIGN_INTERNAL_LISTEN: "127.0.0.1:0",
      COUNTERSIGN_DATA_DIR: folder,
      COUNTERSIGN_REDIS_URL: redisUrl,
      COUNTERSIGN_MASTER_KEY: "00".repeat(32),
      COUNTERSIGN_ADMIN_TOKEN: "bench-admin-token",
      COUNTERSIGN_ISSUER: ISSUER,
      COUNTERSIGN_AUDIENCE: AUDIENCE,
      COUNTERSIGN_TOKEN_ALG: algorithm,
      COUNTERSIGN_ADDRESS_LIMIT: "100000000/60s",
      COUNTERSIGN_LOG_LEVEL: "info",
      ...(databaseUrl && { COUNTERSIGN_DATABASE_URL: databaseUrl }),
      ...(tls && { COUNTERSIGN_TLS_CERT: tls.cert, COUNTERSIGN_TLS_KEY: tls.key }),
    },
    { dev: false },
  );
  const { publicUrl, internalUrl, registry } = await startGateway(config);
  const url = listener === "internal" ? internalUrl : publicUrl;
  if (url === undefined) throw new TypeError("a listener is off");

  const customer = { customerId: "bench", displayName: "Bench", status: "enabled", loginLimit: "" } as const;
  const { customerId } = await registry.customers.create(customer, GATEWAY);
  await registry.customerKeys.issue({ customerId, purpose: "login", importedKey: fleet.customerKey }, GATEWAY);
  for (let start = 0; start < fleet.deviceKeys.length; start += MAX_IMPORT_ROWS) {
    const rows = fleet.deviceKeys
      .slice(start, start + MAX_IMPORT_ROWS)
      .map((deviceKey) => ({ ...ROW, deviceKey, customerId }));
    await registry.importDevices(rows, GATEWAY);
  }
  return { url, jwksUrl: `${publicUrl}/.well-known/jwks.json` };
});
