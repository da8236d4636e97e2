// `npm run storm [-- --boards 20000 --seconds 10]`: boards open new TLS connections, all at once. Exits 1 when one came too late, or fewer than 80 % of the capacity were served.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { machineLoad, readNumbers, report } from "../long-run.ts";
import { runStorm } from "./storm.ts";

const number = readNumbers({ boards: 20_000, seconds: 10 });
const [boards, withinSeconds] = [number("boards"), number("seconds")];
const cores = availableParallelism();
if (cores < 2) throw new Error("a storm needs two cores: the site's, and the boards'");
const half = cores >> 1;
// The processes of the site inherit these cores.
execFileSync("taskset", ["-a", "-p", "-c", `0-${half - 1}`, String(process.pid)]);
const storm = await runStorm({ boards, withinSeconds, measureSeconds: 10, boardsCores: `${half}-${cores - 1}` });
const { capacities, capacity, seconds, goodput, counts, failures, withToken } = storm;
const allowed = 1.5 * Math.max(boards / capacity, withinSeconds);
const share = goodput / Math.min(capacity, boards / withinSeconds);
const foreign = Object.keys(counts).filter((status) => !["200", "429", "503"].includes(status));
report(
  `${boards} boards within ${withinSeconds} s over TLS, ${half} of ${cores} cores for the site: ` +
    `capacity ${capacity.toFixed(0)} logins a second over new connections (${capacities.map((one) => one.toFixed(0)).join(" before, ")} after); ` +
    `${withToken} had a token after ${seconds.toFixed(1)} s (${allowed.toFixed(1)} allowed); ` +
    `slowest five seconds ${goodput.toFixed(0)} a second, ${(100 * share).toFixed(0)} % of it; ` +
    `answers ${JSON.stringify(counts)}, no answer ${JSON.stringify(failures)}; ` +
    `net.core.somaxconn ${readFileSync("/proc/sys/net/core/somaxconn", "utf8").trim()}, ${machineLoad()}`,
  [],
  !(withToken === boards && seconds <= allowed && share >= 0.8 && foreign.length === 0),
);
