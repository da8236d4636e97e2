// `npm run stranger [-- --seconds 60] [--rate 1000]`: bad proofs from many addresses, and a device that logs in meanwhile.

import { parseArgs } from "node:util";
import { startRedis } from "./redis/server.ts";
import { meetStranger, renderStranger } from "./stranger.ts";

/** Under the minute that a device's logins count in. */
const LONGEST_ROUND = 45;

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "60" }, rate: { type: "string", default: "1000" } },
});
const [seconds, rate] = [Number(values.seconds), Number(values.rate)];
if (!(seconds > 0 && rate > 0)) throw new Error("--seconds and --rate are numbers above zero");

const redis = await startRedis();
try {
  // A device each: after a round it has no logins left.
  const rounds = Math.ceil(seconds / LONGEST_ROUND);
  for (let round = 0; round < rounds; round++) {
    const report = await meetStranger({ redisUrl: redis.url, seconds: seconds / rounds, rate });
    process.stdout.write(`${renderStranger(report)}\n`);
    const { victim, after, stranger } = report;
    const fair = victim.every(({ status }) => status === 200) && after.status === 429 && after.policy === "login";
    const refused = Object.keys(stranger).every((outcome) => /^(401|429) /.test(outcome));
    if (!fair || !refused) process.exitCode = 1;
  }
} finally {
  await redis.stop();
}
