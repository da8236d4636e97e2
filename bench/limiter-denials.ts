// What a denial costs that the limiter knows of: no round trip, awaited as the gateway does. Knows no Redis command.

import { randomUUID } from "node:crypto";
import { type Section, show, spreadOf } from "./figures.ts";
import { CHARGES, LOGIN, openSubject } from "./limiter-subject.ts";

const DENIALS = 200_000;
const TARGET_MICROS = 2;
/** Spent at once, and for longer than the rounds last. */
const LASTING = { ...LOGIN, limit: 1, windowMs: 3_600_000 };

export async function measureDenials(url: string, rounds: number): Promise<Section> {
  await using cleanup = new AsyncDisposableStack();
  const { bare, whole, close } = await openSubject(url, { remembers: true });
  cleanup.defer(close);
  const rows = [["", "µs a denial"]];
  const targets: { text: string; met: boolean }[] = [];
  for (const [name, limiter] of Object.entries({ "the limiter on Redis": bare, "as the gateway has it": whole })) {
    for (const count of [1, 10_000]) {
      const deviceKeys = Array.from({ length: count }, () => randomUUID());
      const spent = deviceKeys.map((key) => CHARGES.login(key, LASTING));
      for (const charges of [...spent, ...spent]) await limiter.charge(charges, Date.now());
      const micros: number[] = [];
      for (let round = 0; round <= rounds; round++) {
        const started = performance.now();
        for (let turn = 0; turn < DENIALS; turn++) {
          const charges = spent[turn % count] ?? [];
          const { denied } = await limiter.charge(charges, Date.now());
          if (denied !== 1) throw new Error("void: it was not denied by login");
        }
        if (round > 0) micros.push(((performance.now() - started) * 1000) / DENIALS);
      }
      const spread = spreadOf(micros);
      const label = `${name}, ${count} spent ${count === 1 ? "limit" : "limits"}`;
      rows.push([label, show(spread, 2)]);
      targets.push({
        text: `${label}: ${show(spread, 2)} µs, at most ${TARGET_MICROS}`,
        met: spread.median <= TARGET_MICROS,
      });
    }
  }
  return { title: `A denial that is known, a login's two charges, ${rounds} rounds of ${DENIALS}`, rows, targets };
}
