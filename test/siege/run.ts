// `npm run siege [-- --only NAME --scale 0.1 --settle 60]`: attacks on a gateway while devices log in. Exits 1 when the gateway fails one.

import { parseArgs } from "node:util";
import { ATTACKS, planOf } from "./attacks.ts";
import { openSite } from "./gateway.ts";
import { besiege, RATE, type SiegeRow } from "./siege.ts";

const { values } = parseArgs({
  options: {
    /** One attack; may be given again. */
    only: { type: "string", multiple: true, default: [] },
    /** Multiplies each attack's count. */
    scale: { type: "string", default: "1" },
    /** Seconds in which memory has to return to its former size. */
    settle: { type: "string", default: "60" },
  },
});
const names = values.only.length === 0 ? Object.keys(ATTACKS) : values.only;
// An unknown name ends the run before it begins.
names.forEach(planOf);

function verdictOf({ broken }: SiegeRow): string {
  if (broken.length === 0) return "holds";
  return broken.every((text) => text.startsWith("slow")) ? "SLOW" : "DOES NOT HOLD";
}

function cellsOf(row: SiegeRow): string[] {
  const { name, count, seconds, logins, rss } = row;
  return [
    name,
    String(count),
    seconds.toFixed(0),
    `${logins.sent} / ${logins.failed.length} / ${logins.late}`,
    `${logins.p999Ms.toFixed(0)} / ${logins.worstMs.toFixed(0)}`,
    `${rss.fresh.toFixed(0)} / ${rss.before.toFixed(0)} / ${rss.peak.toFixed(0)} / ${rss.after.toFixed(0)}`,
    verdictOf(row),
  ];
}

const HEAD = [
  "attack",
  "count",
  "s",
  "logins: sent / failed / over 1 s",
  "p99.9 / worst, ms",
  "RSS at start / before / peak / after, MB",
  "verdict",
];
process.stdout.write(`${HEAD.join(" | ")}\n`);
const site = await openSite();
let holding = 0;
try {
  for (const name of names) {
    const row = await besiege(site, name, Number(values.scale), Number(values.settle));
    process.stdout.write(`${cellsOf(row).join(" | ")}\n`);
    for (const text of row.broken) process.stdout.write(`  ${text}\n`);
    if (row.broken.length === 0) holding++;
  }
} finally {
  site.remove();
}
process.stdout.write(
  `Scale ${values.scale}, memory after ${values.settle} s at most, ${RATE} logins a second during each attack\n`,
);
process.stdout.write(`${holding} of ${names.length} attacks hold\n`);
if (holding < names.length) process.exitCode = 1;
