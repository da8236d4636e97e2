// `npm run chaos [-- --logins 1000000 --every 10]`: faults under load. Exits 1 at a wrong answer or a crash.
// `npm run rolling [-- --restarts 50 --logins 100000]`: restarts under load. Exits 1 when a login failed.
// `npm run soak [-- --minutes 30]`: memory after collections under a steady load. Exits 1 when it grows by 2 MiB an hour.
// `npm run storm [-- --boards 20000 --seconds 10]`: boards open new TLS connections, all at once. Exits 1 when one came too late, or
// fewer than 80 % of the capacity were served.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { type Result, readNumbers, report } from "../long-run.ts";
import { runStorm } from "./storm.ts";
import { runChaos, runRolling, runSoak } from "./under-load.ts";

const [name = ""] = process.argv.splice(2, 1);

const RUNS: Readonly<Record<string, () => Promise<Result>>> = {
  chaos() {
    const number = readNumbers({ logins: 1_000_000, every: 10 });
    return runChaos(number("logins"), number("every"), 2_000);
  },
  rolling() {
    const number = readNumbers({ restarts: 50, logins: 100_000 });
    return runRolling(number("restarts"), number("logins"), 1_000);
  },
  soak: () => runSoak(readNumbers({ minutes: 30 })("minutes") * 60, 15),
  async storm() {
    const number = readNumbers({ boards: 20_000, seconds: 10 });
    const [boards, withinSeconds] = [number("boards"), number("seconds")];
    const cores = availableParallelism();
    if (cores < 2) throw new Error("a storm needs two cores: the site's, and the boards'");
    const half = cores >> 1;
    // The processes of the site inherit these cores.
    execFileSync("taskset", ["-a", "-p", "-c", `0-${half - 1}`, String(process.pid)]);
    const storm = await runStorm({ boards, withinSeconds, measuredLogins: 6_000, boardsCores: `${half}-${cores - 1}` });
    const { before, after, seconds, goodput, answers, foreign, withToken } = storm;
    const capacity = (before + after) / 2;
    const allowed = 1.5 * Math.max(boards / capacity, withinSeconds);
    const share = goodput / Math.min(capacity, boards / withinSeconds);
    const backlog = readFileSync("/proc/sys/net/core/somaxconn", "utf8").trim();
    const line = [
      `${boards} boards within ${withinSeconds} s over TLS, ${half} of ${cores} cores for the site`,
      `${before.toFixed(0)} logins a second over new connections before, ${after.toFixed(0)} after`,
      `${withToken} had a token after ${seconds.toFixed(1)} s (${allowed.toFixed(1)} allowed)`,
      `slowest five seconds ${goodput.toFixed(0)} a second, ${(100 * share).toFixed(0)} % of the capacity`,
      `answers ${JSON.stringify(answers)}, net.core.somaxconn ${backlog}`,
    ].join("; ");
    const isMet = withToken === boards && seconds <= allowed && share >= 0.8 && foreign.length === 0;
    return { line, mistakes: isMet ? [] : ["NOT met"] };
  },
};

const run = RUNS[name];
if (run === undefined) throw new Error(`a run is one of ${Object.keys(RUNS).join(", ")}`);
const { line, mistakes } = await run();
report(`${line}; load of the machine ${loadavg()[0]?.toFixed(1)}`, mistakes);
