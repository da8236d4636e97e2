// Several processes that start at once on one empty database of PostgreSQL.

import { emptyPostgres } from "./connections.ts";
import { firstStartContract } from "./start-together.ts";

firstStartContract(async () => (await emptyPostgres()).url);
