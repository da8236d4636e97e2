// `npm run bound [-- --schedules 10000]`: the bound over random outages, flaps and restarts of Redis, by a model.

import { readNumbers } from "../../long-run.ts";
import { playSchedules } from "./bound.ts";

const schedules = readNumbers({ schedules: 10_000 })("schedules");
const { over, reached, outages } = await playSchedules(schedules);
process.stdout.write(`${schedules} schedules, ${outages} outages: ${over} over the bound, ${reached} at it\n`);
process.exitCode = over > 0 ? 1 : 0;
