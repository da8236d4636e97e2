// The fleet to migrate: 100 devices of four owners at the old server, and their boards.

import { createHash } from "node:crypto";
import type { Board } from "./boards.ts";
import type { OldDevice } from "./old-server.ts";

/** The device_key that a whole fleet shares. */
export const FLEET = "valve";
const FLEET_BOARDS = 30;
const SHORT_KEY = "abc123";

/** A key in the old server's form; always the same for a name. */
function keyOf(name: string): string {
  return createHash("sha256").update(`old ${name}`).digest("hex").slice(0, 40);
}

function rows(count: number, prefix: string, owner: string, keyFor: (number: number) => string): OldDevice[] {
  return Array.from({ length: count }, (_, at) => ({
    device_key: `${prefix}-${at + 1}`,
    customer_key: keyFor(at + 1),
    owner,
    name: `${prefix} no. ${at + 1}, "${owner}"`,
  }));
}

/** Four owners: with two keys, with a shared device_key and devices on one key, with a key of six characters, with a key for each board. */
export function makeTable(): readonly OldDevice[] {
  return [
    ...rows(60, "pump", "Acme", (number) => keyOf(number <= 40 ? "acme" : "acme, the newer")),
    ...rows(20, "meter", "Öst & Co.", () => keyOf("öst")),
    { device_key: FLEET, customer_key: keyOf("öst"), owner: "Öst & Co.", name: "" },
    ...rows(15, "lamp", 'Globex, "the pumps"', () => SHORT_KEY),
    ...rows(4, "lock", "Initech", (number) => keyOf(`lock ${number}`)),
  ];
}

/** A device that is enrolled at the old server during the migration, with a new key. */
export const LATECOMER: OldDevice = {
  device_key: "pump-61",
  customer_key: keyOf("acme, the newest"),
  owner: "Acme",
  name: "",
};

/** A board for each device, and all boards of the shared device_key. */
export function boardsOf(table: readonly OldDevice[]): readonly Board[] {
  return table
    .flatMap((device) => Array.from({ length: device.device_key === FLEET ? FLEET_BOARDS : 1 }, () => device))
    .map(({ device_key, customer_key }, at) => ({
      deviceKey: device_key,
      customerKey: customer_key,
      address: `192.0.${at >> 8}.${at & 255}`,
      // All boards of a fleet have the same firmware, and send the very same bytes.
      upperCase: device_key !== FLEET && at % 3 === 0,
      timestampAsText: device_key !== FLEET && at % 5 === 0,
    }));
}
