// Wires the registry: a database, its stores, and the periodic jobs.

import { mkdirSync } from "node:fs";
import { type Config, dataFile } from "../config.ts";
import { type ActivityRecorder, createActivityRecorder } from "../core/activity.ts";
import { GATEWAY } from "../core/registry/ports.ts";
import { createRegistry, type Registry } from "../core/registry/registry.ts";
import { requireMasterKeys } from "../core/registry/secrets.ts";
import type { Database } from "../store/database.ts";
import { migrate } from "../store/migrations.ts";
import type { OutageListener } from "../store/outage.ts";
import { createSealer, type Sealer } from "../store/sealing.ts";
import { createStore, type Store } from "../store/sql.ts";
import { openSqlite } from "../store/sqlite.ts";
import { repeatEvery } from "../telemetry/clock.ts";
import type { LogWriter } from "../telemetry/logger.ts";

export interface OpenedRegistry {
  readonly database: Pick<Database, "ping">;
  readonly store: Store;
  readonly activity: ActivityRecorder;
  readonly registry: Registry;
  readonly sealer: Sealer;
}

export interface RegistryOptions {
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly onFault: (error: unknown) => void;
  readonly outageListener: OutageListener;
  /** Drops the secrets that no master key opens, instead of refusing to start. */
  readonly forgetLostSecrets: boolean;
  readonly logger: LogWriter["logger"];
}

/** Interval at which last logins are written and moves end, in milliseconds. */
const ACTIVITY_MS = 5_000;
/** Interval at which expired revocations and audit events older than AUDIT_RETENTION are deleted, in milliseconds. */
const PRUNE_MS = 60_000;
/** Rows of one deletion: more would hold up other writes. */
const PRUNED_AT_ONCE = 1_000;

/** Opens the registry; `cleanup` closes it. */
export async function openRegistry(
  config: Config,
  { now, onFault, outageListener, forgetLostSecrets, logger }: RegistryOptions,
  cleanup: AsyncDisposableStack,
): Promise<OpenedRegistry> {
  // 1. The database, at this gateway's schema.
  const database = await openDatabase(config, outageListener);
  cleanup.defer(() => database.close());
  await migrate(database);

  // 2. The stores. Lost secrets stop the start.
  const sealer = createSealer([config.masterKey, ...config.otherMasterKeys]);
  const store = createStore(database, sealer, onFault);
  if (forgetLostSecrets) {
    const lost = await store.secrets.forgetLost({ actor: GATEWAY, at: now() });
    const { customerKeys: customer_keys, signingKeys: signing_keys } = lost;
    logger.warn({ customer_keys, signing_keys }, "forgot the secrets that no master key opens");
  } else await requireMasterKeys(store.secrets, now());

  // 3. The operator's use-cases.
  const { adminToken, otherAdminToken } = config;
  const settingsTokens = new Map([["COUNTERSIGN_ADMIN_TOKEN", adminToken]]);
  if (otherAdminToken !== undefined) settingsTokens.set("COUNTERSIGN_OTHER_ADMIN_TOKEN", otherAdminToken);
  const registry = createRegistry({ ...store, settingsTokens, now });

  // 4. Jobs.
  const activity = createActivityRecorder(store.activity, now);
  cleanup.defer(() => activity.flush().catch(onFault));
  cleanup.defer(repeatEvery(ACTIVITY_MS, activity.flush, onFault));
  const { auditRetention } = config;
  const prune = async (): Promise<void> => {
    while ((await store.revokedTokens.prune(now(), PRUNED_AT_ONCE)) === PRUNED_AT_ONCE);
    if (auditRetention === undefined) return;
    while ((await store.audit.prune(now() - auditRetention, PRUNED_AT_ONCE)) === PRUNED_AT_ONCE);
  };
  cleanup.defer(repeatEvery(PRUNE_MS, prune, onFault));
  return { database, store, activity, registry, sealer };
}

/** Opens the database of the settings. */
export async function openDatabase(
  config: Pick<Config, "dataDir" | "databaseUrl">,
  listener: OutageListener,
): Promise<Database> {
  if (config.databaseUrl === undefined) {
    mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
    return openSqlite(dataFile(config.dataDir, "countersign.db"), listener);
  }
  // Loaded only where it is used: a start on SQLite need not wait for it.
  const { openPostgres } = await import("../store/postgres.ts");
  return openPostgres({ url: config.databaseUrl, listener });
}
