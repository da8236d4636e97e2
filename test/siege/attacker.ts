// A process that runs one attack, at a lower priority than the gateway and the devices.

import { setPriority } from "node:os";
import { planOf } from "./attacks.ts";
import { Findings, type Target } from "./target.ts";

export interface AttackOrder {
  readonly name: string;
  readonly target: Target;
  readonly count: number;
}

/** Priority of the attacker: a real one would not use the gateway's processor. */
const NICE = 10;

process.once("message", async ({ name, target, count }: AttackOrder) => {
  setPriority(NICE);
  const findings = new Findings();
  await planOf(name).run(target, count, findings);
  process.send?.(findings.list(), () => process.exit(0));
});
process.once("disconnect", () => process.exit(0));
