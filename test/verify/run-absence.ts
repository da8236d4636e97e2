// `npm run verifiers [-- --seconds 60]`: a verifier without its issuer, in real time. Exits 1 over the bounds.

import { setTimeout as pause } from "node:timers/promises";
import { readNumbers, report } from "../long-run.ts";
import { measureAbsence } from "./absence.ts";

const seconds = readNumbers({ seconds: 60 })("seconds");
const { there, away, newKeyAfterS } = await measureAbsence(seconds, Date.now, () => pause(100));
for (const [name, { refused, accepted, fetches }] of Object.entries({ there, away })) {
  const isOver = refused + accepted > 0 || fetches > Math.ceil(seconds / 30) + 1;
  const counts = `${refused} of ${seconds * 40} valid tokens refused, ${accepted} of ${seconds * 400} made-up ones accepted`;
  report(`issuer ${name}, ${seconds} s: ${counts}, ${fetches} fetches`, [], isOver);
}
report(`issuer back with a new key: its tokens are accepted after ${newKeyAfterS} s`);
