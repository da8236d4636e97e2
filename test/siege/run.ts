// `npm run siege [-- --only NAME --scale 0.1]`: attacks on a gateway while devices log in. Exits 1 when the gateway fails one.

import { parseArgs } from "node:util";
import { say } from "../requirements.ts";
import { ATTACKS, planOf } from "./attacks.ts";
import { openSite } from "./gateway.ts";
import { besiege, RATE } from "./siege.ts";

/** Enough for the logins of a warm-up and of an attack within a limit of 10 a minute. */
const DEVICES = 800;

const { values } = parseArgs({
  options: {
    /** One attack; may be given again. */
    only: { type: "string", multiple: true, default: [] },
    /** Multiplies each attack's count. */
    scale: { type: "string", default: "1" },
  },
});
const names = values.only.length === 0 ? Object.keys(ATTACKS) : values.only;
// An unknown name ends the run before it begins.
names.forEach(planOf);

say("attack | count | s | logins: sent / failed / over 1 s | slowest, ms | MB before / at most / after | verdict");
const site = await openSite(DEVICES);
let holding = 0;
try {
  for (const name of names) {
    const { count, seconds, logins, rss, broken } = await besiege(site, name, Number(values.scale));
    const cells = [
      name,
      count,
      seconds.toFixed(0),
      `${logins.sent} / ${logins.failed.length} / ${logins.late}`,
      logins.worstMs.toFixed(0),
      [rss.before, rss.peak, rss.after].map((mb) => mb.toFixed(0)).join(" / "),
      broken.length === 0 ? "holds" : "DOES NOT HOLD",
    ];
    say(cells.join(" | "));
    for (const text of broken) say(`  ${text}`);
    if (broken.length === 0) holding++;
  }
} finally {
  site.remove();
}
say(`Scale ${values.scale}, ${RATE} logins a second during each attack`);
say(`${holding} of ${names.length} attacks hold`);
if (holding < names.length) process.exitCode = 1;
