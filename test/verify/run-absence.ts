// `npm run verifiers`: verifiers without their issuer, in real time. --seconds N, 60 by default.

import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { measureAbsence, type Phase } from "./absence.ts";

const { values } = parseArgs({ options: { seconds: { type: "string", default: "60" } } });

function say(name: string, { seconds, good, refused, madeUp, accepted, fetches }: Phase): void {
  process.stdout.write(
    `${name}, ${seconds} s: ${good} valid tokens checked, ${refused} refused; ${madeUp} of made-up keys, ${accepted} accepted; ` +
      `at most ${fetches} fetches a verifier\n`,
  );
}

const { there, away, newKeyAfter } = await measureAbsence(Number(values.seconds), {
  now: Date.now,
  tick: () => setTimeout(100),
});
say("issuer there", there);
say("issuer away", away);
process.stdout.write(`issuer back with a new key: its tokens are accepted after ${newKeyAfter} s\n`);
const most = Math.ceil(Number(values.seconds) / 30) + 1;
const wrong = [there, away].some((phase) => phase.refused + phase.accepted > 0 || phase.fetches > most);
process.exitCode = wrong ? 1 : 0;
