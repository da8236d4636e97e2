// The secrets of one database, all their kinds together. Knows which query is whose.

import type { SecretStore } from "../core/registry/record-ports.ts";
import type { Database } from "./database.ts";
import { createTakeBack } from "./found-secrets.ts";
import { createFindLost, createForgetLost } from "./lost-secrets.ts";
import { createResealSome } from "./resealing.ts";
import type { Sealer } from "./sealing.ts";

/** The secrets of one database, under the sealer's master keys. */
export function createSecretStore(database: Database, sealer: Sealer): SecretStore {
  return {
    resealSome: createResealSome(database, sealer),
    findLost: createFindLost(database, sealer),
    forgetLost: createForgetLost(database, sealer),
    takeBack: createTakeBack(database, sealer),
  };
}
