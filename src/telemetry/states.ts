// Gauges of states that are looked at when the metrics are read.

import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { Gauge, type Registry } from "prom-client";

export interface States {
  readonly eventLoopDelayMs: () => number;
  readonly loginsUnderWay: () => number;
  /** Since when the active key signs, in unix milliseconds. */
  readonly keyActiveSince: () => number | undefined;
  /** Paths of PEM files. */
  readonly certificates: readonly string[];
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Adds the gauges. @returns what tells them where to look; until then they are 0 */
export function addStates(registry: Registry): (states: States) => void {
  let states: States | undefined;
  const add = (name: string, help: string, read: (states: States) => number | undefined): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set((states && read(states)) ?? 0);
      },
    });
  };
  add(
    "countersign_event_loop_delay_seconds",
    "How late the event loop is: the median of the last second. Over 0.5, new logins are refused while more than 32 are under way",
    ({ eventLoopDelayMs }) => eventLoopDelayMs() / 1_000,
  );
  add("countersign_logins_under_way", "Logins under way, most of which wait for a signature", ({ loginsUnderWay }) =>
    loginsUnderWay(),
  );
  add("countersign_signing_key_age_seconds", "Time since the active key began to sign", ({ keyActiveSince, now }) => {
    const since = keyActiveSince();
    return since === undefined ? undefined : (now() - since) / 1_000;
  });
  new Gauge({
    name: "countersign_certificate_expiry_timestamp_seconds",
    help: "When a TLS certificate expires, in Unix seconds, by the type of its key",
    labelNames: ["key"],
    registers: [registry],
    collect() {
      this.reset();
      for (const path of states?.certificates ?? []) {
        const expiry = readExpiry(path);
        if (expiry !== undefined) this.set({ key: expiry.key }, expiry.seconds);
      }
    },
  });
  return (given) => {
    states = given;
  };
}

/** Undefined while the file cannot be read, as in the middle of a replacement. */
function readExpiry(path: string): { key: string; seconds: number } | undefined {
  try {
    const { publicKey, validToDate } = new X509Certificate(readFileSync(path));
    return { key: publicKey.asymmetricKeyType ?? "unknown", seconds: validToDate.getTime() / 1_000 };
  } catch {
    return undefined;
  }
}
