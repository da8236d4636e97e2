// `npm run storm [-- --boards 20000 --seconds 10]`: boards connect anew over TLS, all at once. Exits 1 when one came too late.

import { readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { runStorm } from "./storm.ts";

const { values } = parseArgs({
  options: { boards: { type: "string", default: "20000" }, seconds: { type: "string", default: "10" } },
});
const boards = Number(values.boards);
const report = await runStorm({ boards, withinSeconds: Number(values.seconds), measureSeconds: 15 });
const { capacity, seconds, goodput, counts, failures, withToken } = report;
const allowed = 1.5 * Math.max(boards / capacity, Number(values.seconds));
const foreign = Object.keys(counts).filter((status) => !["200", "429", "503"].includes(status));
process.stdout.write(
  `${boards} boards within ${values.seconds} s over TLS: capacity ${capacity.toFixed(0)} logins a second over new connections; ` +
    `${withToken} had a token after ${seconds.toFixed(1)} s (${allowed.toFixed(1)} allowed); slowest five seconds ${goodput.toFixed(0)} a second, ` +
    `${((100 * goodput) / Math.min(capacity, boards / Number(values.seconds))).toFixed(0)} % of it; ` +
    `answers ${JSON.stringify(counts)}, no answer ${JSON.stringify(failures)}; ` +
    `net.core.somaxconn ${readFileSync("/proc/sys/net/core/somaxconn", "utf8").trim()}, load of the machine ${loadavg()[0]?.toFixed(1)}\n`,
);
process.exitCode = withToken === boards && seconds <= allowed && foreign.length === 0 ? 0 : 1;
