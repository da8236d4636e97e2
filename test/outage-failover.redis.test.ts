// A master that is killed, behind Sentinels and in a Cluster, and slots that move, under load.

import { test } from "vitest";
import { checkOutage } from "./outage/short.ts";

test.for(["sentinel", "cluster", "move"] as const)("%s", { timeout: 120_000 }, checkOutage);
