// The secrets of PostgreSQL against their contract.

import { lostSecretsContract } from "../contracts/store-lost-secrets.ts";
import { resealingContract } from "../contracts/store-resealing.ts";
import { emptyPostgres } from "./connections.ts";

resealingContract("PostgreSQL", () => emptyPostgres());
lostSecretsContract("PostgreSQL", () => emptyPostgres());
