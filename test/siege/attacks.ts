// The attacks by name, each with its count at full scale.

import type { AttackPlan } from "./attack.ts";
import { CROWDS } from "./crowds.ts";
import { FLOODS } from "./floods.ts";
import { HELD } from "./held.ts";
import { MUTATED } from "./mutated.ts";
import { RESETS } from "./resets.ts";

export const ATTACKS: Readonly<Record<string, AttackPlan>> = {
  ...RESETS,
  ...MUTATED,
  ...HELD,
  ...CROWDS,
  ...FLOODS,
};

/** @throws Error for an unknown name */
export function planOf(name: string): AttackPlan {
  const plan = ATTACKS[name];
  if (plan === undefined) throw new Error(`${name} is no attack. Write one of ${Object.keys(ATTACKS).join(", ")}`);
  return plan;
}
