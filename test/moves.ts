// Moves of devices that were enrolled a moment ago, as an operator makes them: tried again for as long as it is too soon.

import { setTimeout as pause } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { AuthError } from "../src/core/errors.ts";

const EVERY_MS = 50;
/** Of all attempts: several times what a move has to wait for. */
const MOST_ATTEMPTS = 200;

/** Changes a device's key_mode, by any client. @throws what the change threw, unless that was that it is too soon */
export async function moveInTime<Device>(move: () => Promise<Device>): Promise<Device> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await move();
    } catch (error) {
      if (attempt === MOST_ATTEMPTS || !isTooSoon(error)) throw error;
      await pause(EVERY_MS);
    }
  }
}

function isTooSoon(error: unknown): boolean {
  if (error instanceof ConnectError) return error.code === Code.Unavailable && error.message.includes("key_mode");
  return error instanceof AuthError && error.reason === "unavailable" && error.particulars.field === "key_mode";
}
