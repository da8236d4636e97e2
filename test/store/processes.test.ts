// Several processes that start at once on one empty folder.

import { emptySqlite } from "./connections.ts";
import { firstStartContract } from "./start-together.ts";

firstStartContract(async () => emptySqlite().path);
