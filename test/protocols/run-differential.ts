// `npm run differential [-- --requests 100000] [--seed N]`: random logins and raw calls, until answers differ.

import { randomInt } from "node:crypto";
import { readNumbers } from "../long-run.ts";
import { say } from "../requirements.ts";
import { assertAlike, openDifferential } from "./differential.ts";
import { openFrameDifferential } from "./frame-differential.ts";

const number = readNumbers({ requests: 100_000, seed: randomInt(1, 2 ** 31) });
const sampling = { numRuns: number("requests"), seed: number("seed") };
const outcomes: Record<string, number> = {};
const logins = await openDifferential((outcome) => {
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
});
say(`${sampling.numRuns} logins through ${logins.ways} ways, then as many raw calls, seed ${sampling.seed}`);
await assertAlike(logins, sampling);
await logins.close();
say(`logins: no difference. ${JSON.stringify(outcomes)}`);
const calls = await openFrameDifferential();
await assertAlike(calls, sampling);
await calls.close();
say("raw calls: no difference");
