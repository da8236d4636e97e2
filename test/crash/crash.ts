// Kills a gateway during writes, again and again, and compares the registry with the acknowledged writes.

import { randomInt } from "node:crypto";
import type { Environment } from "../../src/config.ts";
import { type CrashingGateway, startCrashingGateway } from "./gateway.ts";
import { inspectDatabase } from "./inspect.ts";
import { createLedger } from "./ledger.ts";
import { enrolFleet, look, writeUntilKilled } from "./workload.ts";

export interface CrashOptions {
  /** Number of kills of the gateway. */
  readonly kills: number;
  /** A folder for SQLite, or the URL of PostgreSQL. */
  readonly settings: Environment;
  /** After every `every` kills, `act` kills and restarts the database too. */
  readonly killDatabase?: { readonly every: number; readonly act: () => Promise<void> };
  readonly onKill?: (kills: number, acknowledged: number) => void;
}

export interface CrashReport {
  readonly kills: number;
  /** Writes that were acknowledged. */
  readonly acknowledged: number;
  /** Lost or corrupt rows, a line each. */
  readonly wrong: readonly string[];
}

/** The most acknowledged writes before a kill. */
const MOST_WRITES = 25;
/** Names looked up at once. */
const LOOKS = 16;

export async function runCrashes({ kills, settings, killDatabase, onKill }: CrashOptions): Promise<CrashReport> {
  const ledger = createLedger();
  const wrong: string[] = [];

  async function settle({ admin }: CrashingGateway, names: readonly string[]): Promise<void> {
    const left = [...names];
    await Promise.all(
      Array.from({ length: LOOKS }, async () => {
        for (let name = left.pop(); name !== undefined; name = left.pop()) {
          const mistake = ledger.settle(name, await look(admin, name));
          if (mistake !== undefined) wrong.push(mistake);
        }
      }),
    );
  }

  let gateway = await startCrashingGateway(settings);
  try {
    const fleet = await enrolFleet(gateway);
    for (let kill = 1; kill <= kills; kill++) {
      let left = randomInt(1, MOST_WRITES);
      // Kills at a time within a write, not only between writes.
      const strike = (): void => {
        if (--left === 0) setTimeout(() => void gateway.kill(), randomInt(4));
      };
      await writeUntilKilled(gateway, fleet, ledger, strike);
      await gateway.kill();
      if (killDatabase !== undefined && kill % killDatabase.every === 0) await killDatabase.act();
      gateway = await startCrashingGateway(settings);
      await settle(gateway, ledger.touched);
      onKill?.(kill, ledger.acknowledged);
    }
    // An existing row still exists.
    await settle(gateway, ledger.names);
    await gateway.kill();
    wrong.push(...(await inspectDatabase(settings)));
    return { kills, acknowledged: ledger.acknowledged, wrong };
  } finally {
    await gateway.kill();
  }
}
