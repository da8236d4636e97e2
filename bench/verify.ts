// `npm run bench:verify [-- --alg RS256|EdDSA --only check|verify --rounds N]`: what a token's check costs, and the target.

import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { FORWARD_AUTH, VERIFY } from "./check-dialects.ts";
import { ALGORITHMS } from "./contract.ts";
import { renderSection } from "./limiter-report.ts";
import { type CheckPair, MOST_ROUNDS, measureChecks } from "./verify-pair.ts";

const PAIRS: Readonly<Record<string, CheckPair>> = {
  check: {
    title: "GET /auth/check",
    bare: "bare-check",
    label: "bare node:http",
    dialect: "rest",
    check: FORWARD_AUTH,
  },
  verify: {
    title: "TokenService.Verify",
    bare: "grpc-js-check",
    label: "bare grpc-js",
    dialect: "grpc",
    check: VERIFY,
  },
};

const { values } = parseArgs({
  options: {
    alg: { type: "string", multiple: true, default: [...ALGORITHMS] },
    only: { type: "string", multiple: true, default: Object.keys(PAIRS) },
    rounds: { type: "string", default: "6" },
  },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1 || rounds > MOST_ROUNDS)
  throw new Error(`--rounds is a whole number from 1 to ${MOST_ROUNDS}`);
if (!values.only.every((name) => name in PAIRS)) throw new Error(`--only is one of ${Object.keys(PAIRS).join(", ")}`);
const algorithms = ALGORITHMS.filter((algorithm) => values.alg.includes(algorithm));
if (!values.alg.every((name) => algorithms.some((one) => one === name)))
  throw new Error(`--alg is one of ${ALGORITHMS.join(", ")}`);

const cpu = cpus()[0]?.model.trim() ?? "unknown";
process.stdout.write(
  `Node ${process.version}, ${cpu}, ${availableParallelism()} cores. Medians of the rounds (least–most); times bare, round by round.\n`,
);
for (const algorithm of algorithms) {
  for (const [name, pair] of Object.entries(PAIRS)) {
    if (!values.only.includes(name)) continue;
    const section = await measureChecks(pair, algorithm, rounds);
    process.stdout.write(`\n${renderSection(section)}\n`);
    if (section.targets.some(({ met }) => !met)) process.exitCode = 1;
  }
}
