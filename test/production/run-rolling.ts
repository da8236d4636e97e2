// `npm run rolling [-- --restarts 50 --logins 100000]`: restarts under load, none of which may fail a login. Exits 1 when one did.

import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { runRolling } from "./rolling.ts";

const { values } = parseArgs({
  options: { restarts: { type: "string", default: "50" }, logins: { type: "string", default: "100000" } },
});
const { restarts, logins, counts, mistakes, badExits } = await runRolling(
  Number(values.restarts),
  Number(values.logins),
  1_000,
);
process.stdout.write(
  `${restarts} rolling restarts under ${logins} logins through HAProxy, HTTP/1.1 and HTTP/2: ${counts}; ` +
    `${badExits} exits other than 0; load of the machine ${loadavg()[0]?.toFixed(1)}\n`,
);
for (const mistake of mistakes.slice(0, 10)) process.stdout.write(`  ${mistake}\n`);
process.exitCode = mistakes.length > 0 || badExits > 0 ? 1 : 0;
