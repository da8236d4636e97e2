// What the audit log tells of the devices that an import wrote. Knows no import.

import type { Details } from "./changes.ts";

/** A row that was written. */
export interface Written {
  readonly kind: "created" | "updated";
  readonly deviceKey: string;
  /** What was changed of the device that was there. */
  readonly changed: Details;
}

/** So many devices are named one by one. */
const MOST_NAMED = 20;

/** Which devices were written, and what of them was changed. */
export function writtenDetails(written: readonly Written[]): Details {
  return { ...named(written), ...tallied(written) };
}

function named(written: readonly Written[]): Details {
  const names = written.map(({ deviceKey }) => deviceKey);
  if (names.length <= MOST_NAMED) return { device_keys: names.join(" ") };
  return { first_device_key: names.at(0) ?? "", last_device_key: names.at(-1) ?? "" };
}

/** How many devices have which field changed; of what has few values, to which. */
function tallied(written: readonly Written[]): Details {
  const counts: Record<string, number> = {};
  for (const { changed } of written) {
    for (const [field, value] of Object.entries(changed)) {
      const name = field === "display_name" || field === "labels" ? `${field}_changed` : `${field}_to_${value}`;
      counts[name] = (counts[name] ?? 0) + 1;
    }
  }
  return counts;
}
