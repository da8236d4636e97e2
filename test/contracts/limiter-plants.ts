// Limiters with a mistake that is common elsewhere, to show that a check would find it. Know no store.

import type { Chargeable } from "./limiter-model.ts";

/** The customary shortcut: two fixed buckets, the older one weighed by how much of it the window still covers. */
export function plantTwoBuckets(): Chargeable {
  const buckets = new Map<string, number>();
  return {
    charge(charges, now) {
      const counted = charges.map(({ policy, key }) => {
        const bucket = Math.floor(now / policy.windowMs);
        const nameOf = (number: number): string => `${policy.name} ${key} ${number}`;
        const weight = 1 - (now % policy.windowMs) / policy.windowMs;
        const used = (buckets.get(nameOf(bucket)) ?? 0) + weight * (buckets.get(nameOf(bucket - 1)) ?? 0);
        return { name: nameOf(bucket), room: used + 1 <= policy.limit };
      });
      const denied = counted.findIndex(({ room }) => !room);
      for (const { name } of denied === -1 ? counted : []) buckets.set(name, (buckets.get(name) ?? 0) + 1);
      return { denied, states: [] };
    },
  };
}
