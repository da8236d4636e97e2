// `npm run bench:verify [-- --alg RS256|EdDSA --only check|verify --rounds N]`: what a token's check costs, and the target.

import { parseArgs } from "node:util";
import { ALGORITHMS } from "./contract.ts";
import { FORWARD_AUTH, VERIFY } from "./dialects.ts";
import { checkNames, runParts } from "./figures.ts";
import { type CheckPair, MOST_ROUNDS, measureChecks } from "./verify-pair.ts";

const PAIRS: Readonly<Record<string, CheckPair>> = {
  check: {
    title: "GET /auth/check",
    bare: "bare-check",
    label: "bare node:http",
    dialect: "rest",
    listener: "public",
    check: FORWARD_AUTH,
  },
  verify: {
    title: "TokenService.Verify",
    bare: "grpc-js-check",
    label: "bare grpc-js",
    dialect: "grpc",
    listener: "internal",
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
checkNames(values.only, Object.keys(PAIRS));
const algorithms = ALGORITHMS.filter((algorithm) => values.alg.includes(algorithm));
if (!values.alg.every((name) => algorithms.some((one) => one === name)))
  throw new Error(`--alg is one of ${ALGORITHMS.join(", ")}`);

const parts = algorithms.flatMap((algorithm) =>
  Object.entries(PAIRS)
    .filter(([name]) => values.only.includes(name))
    .map(([name, pair]) => [`${name} ${algorithm}`, () => measureChecks(pair, algorithm, rounds)]),
);
await runParts(Object.fromEntries(parts), [], " Medians of the rounds (least–most); times bare, round by round.");
