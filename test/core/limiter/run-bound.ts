// `npm run bound [-- --schedules 10000]`: the bound over random outages, flaps and restarts of Redis, by a model.

import { parseArgs } from "node:util";
import { playSchedules } from "./bound.ts";

const { values } = parseArgs({ options: { schedules: { type: "string", default: "10000" } } });
const schedules = Number(values.schedules);
if (!(schedules > 0)) throw new Error("--schedules is a whole number above zero");
const { over, reached, outages, admitted } = await playSchedules(schedules);
process.stdout.write(
  `${schedules} schedules, ${outages} outages, ${admitted} admissions: ${over} over the bound, ${reached} at it\n`,
);
process.exitCode = over > 0 ? 1 : 0;
