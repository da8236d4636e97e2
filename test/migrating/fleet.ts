// The fleet that moves: 100 devices of four owners at the old server, and the boards that were flashed with them.

import { createHash } from "node:crypto";
import type { Board } from "./boards.ts";
import type { OldDevice } from "./old-server.ts";

/** The one device_key that a whole fleet was flashed with. */
export const FLEET = "valve";
const FLEET_BOARDS = 30;
const SHORT_KEY = "abc123";

/** A key as the old server's dashboard hands it out; the same for the same name. */
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

/** Two keys; a fleet of one device_key beside devices of the same key; a key of six characters; a key for each board. */
export function makeTable(): readonly OldDevice[] {
  return [
    ...rows(60, "pump", "Acme", (number) => keyOf(number <= 40 ? "acme" : "acme, the newer")),
    ...rows(20, "meter", "Öst & Co.", () => keyOf("öst")),
    { device_key: FLEET, customer_key: keyOf("öst"), owner: "Öst & Co.", name: "" },
    ...rows(15, "lamp", 'Globex, "the pumps"', () => SHORT_KEY),
    ...rows(4, "lock", "Initech", (number) => keyOf(`lock ${number}`)),
  ];
}

/** A device enrolled at the old server while the way over goes on, with a key that is new too. */
export const LATECOMER: OldDevice = {
  device_key: "pump-61",
  customer_key: keyOf("acme, the newest"),
  owner: "Acme",
  name: "",
};

/** A board for each device, and as many as there are for the one of the fleet. */
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
