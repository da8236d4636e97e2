// `npm run race [-- --decisions 1000000]`: eight processes on the keys of one Redis. Exits 1 for an admission over a limit.

import { readNumbers, report } from "../../long-run.ts";
import { startRedis } from "../../redis/server.ts";
import { race } from "./race.ts";

// Each number of keys with an exact limit, and with one that is counted in sub-windows.
const races = [1, 100, 10_000].flatMap((keys) => [10, 300].map((limit) => ({ keys, limit })));
const decisions = Math.ceil(readNumbers({ decisions: 1_000_000 })("decisions") / races.length);

await using cleanup = new AsyncDisposableStack();
const redis = await startRedis();
cleanup.defer(redis.stop);
for (const { keys, limit } of races) {
  // About half of ten thousand decisions a second are admitted.
  const windowMs = Math.ceil(Math.max(20, (keys * limit) / 5));
  const result = await race({ redisUrl: redis.url, processes: 8, inFlight: 64, keys, decisions, limit, windowMs });
  const isWrong = result.overAdmissions + result.falseDenials > 0;
  report(`${keys} keys, ${limit} per ${windowMs} ms: ${JSON.stringify(result)}`, [], isWrong);
}
