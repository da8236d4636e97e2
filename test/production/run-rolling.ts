// `npm run rolling [-- --restarts 50 --logins 100000]`: restarts under load. Exits 1 when a login failed.

import { machineLoad, readNumbers, report } from "../long-run.ts";
import { describeCounts } from "./load.ts";
import { runRolling } from "./rolling.ts";

const number = readNumbers({ restarts: 50, logins: 100_000 });
const { restarts, logins, counts, mistakes, badExits } = await runRolling(number("restarts"), number("logins"), 1_000);
report(
  `${restarts} rolling restarts under ${logins} logins through HAProxy, HTTP/1.1 and HTTP/2: ${describeCounts(counts)}; ` +
    `${badExits} exits other than 0; ${machineLoad()}`,
  mistakes,
  mistakes.length > 0 || badExits > 0,
);
