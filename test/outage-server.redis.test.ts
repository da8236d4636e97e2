// One Redis that is killed, stopped or not reached, under load.

import { test } from "vitest";
import { checkOutage } from "./outage/short.ts";

test.for(["kill", "pause", "swallow"] as const)("%s", { timeout: 120_000 }, checkOutage);
