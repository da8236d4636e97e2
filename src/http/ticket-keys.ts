// Keys of TLS session tickets that every gateway with the same secret derives alike.

import { hkdfSync } from "node:crypto";
import { TICKET_SECONDS } from "./tls.ts";

/** The length that Node documents for its keys of tickets. */
const BYTES = 48;

/** Derives the keys at an instant, in unix milliseconds. They change twice a day, and a ticket dies with its keys. */
export function deriveTicketKeys(secret: Uint8Array, now: number): Buffer {
  const period = Math.floor(now / (TICKET_SECONDS * 1_000));
  return Buffer.from(hkdfSync("sha256", secret, "", `countersign tls tickets v1 ${period}`, BYTES));
}
