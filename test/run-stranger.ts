// `npm run stranger [-- --seconds 60] [--rate 1000]`: wrong proofs from many addresses, and a device that logs in meanwhile.

import { readNumbers, report } from "./long-run.ts";
import { startRedis } from "./redis/server.ts";
import { meetStranger, renderStranger } from "./stranger.ts";

/** Shorter than the login limit's window of a minute. */
const LONGEST_ROUND = 45;

const number = readNumbers({ seconds: 60, rate: 1_000 });
const redis = await startRedis();
// One device for each round, which uses up the device's login limit.
const rounds = Math.ceil(number("seconds") / LONGEST_ROUND);
for (let round = 0; round < rounds; round++) {
  const options = { redisUrl: redis.url, seconds: number("seconds") / rounds, rate: number("rate") };
  const outcome = await meetStranger(options);
  const { victim, after, stranger } = outcome;
  const isUnaffected = victim.every(({ status }) => status === 200) && after.status === 429 && after.policy === "login";
  const isRefused = Object.keys(stranger).every((answer) => /^(401|429) /.test(answer));
  report(renderStranger(outcome), [], !isUnaffected || !isRefused);
}
await redis.stop();
