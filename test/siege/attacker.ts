// `node attacker.ts NAME COUNT TARGET`: runs one attack at a low priority.

import { setPriority } from "node:os";
import { Findings } from "./attack.ts";
import { planOf } from "./attacks.ts";

/** A real attacker would not use the gateway's processor. */
setPriority(10);
const [name = "", count, target = ""] = process.argv.slice(2);
const findings = new Findings();
await planOf(name).run(JSON.parse(target), Number(count), findings);
process.send?.(findings.list(), () => process.exit(0));
