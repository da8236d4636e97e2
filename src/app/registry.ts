// Wires the registry: a database, what is kept in it, the cache before it, and what keeps all of that up to date.

import { mkdirSync } from "node:fs";
import { type Config, dataFile } from "../config.ts";
import { type ActivityRecorder, createActivityRecorder } from "../core/activity.ts";
import { createDeadline } from "../core/deadline.ts";
import { AuthError } from "../core/errors.ts";
import type { TokenRevocations } from "../core/ports.ts";
import { GATEWAY } from "../core/registry/ports.ts";
import type { LostSecrets as ForgottenSecrets } from "../core/registry/record-ports.ts";
import { createRegistry, type Registry } from "../core/registry/registry.ts";
import { createSecrets, type Secrets } from "../core/registry/secrets.ts";
import { type CredentialCache, createCredentialCache } from "../store/cache.ts";
import { type ChangeFeed, type ChangeHearing, watchChanges } from "../store/change-feed.ts";
import { type Database, UNAVAILABLE_RETRY_MS } from "../store/database.ts";
import { migrate } from "../store/migrations.ts";
import { createRecentNames } from "../store/recent-names.ts";
import { createRevocations } from "../store/revocations.ts";
import { createSealer } from "../store/sealing.ts";
import { createStore, type Store } from "../store/sql.ts";
import { openSqlite } from "../store/sqlite.ts";
import { monotonicNow } from "../telemetry/clock.ts";
import { repeatEvery } from "../telemetry/repeat.ts";

export interface OpenedRegistry {
  readonly store: Store;
  readonly credentials: CredentialCache;
  readonly activity: ActivityRecorder;
  readonly registry: Registry;
  readonly secrets: Secrets;
  readonly feed: RegistryFeed;
  readonly revocations: TokenRevocations;
}

/** What is heard of changes that any gateway made, by as many as want to. */
export interface RegistryFeed extends Pick<ChangeFeed, "isSure"> {
  hear(listener: RegistryListener): void;
}

export type RegistryListener = Pick<ChangeHearing, "onChange" | "onUnsure">;

export interface RegistryOptions {
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly onFault: (error: unknown) => void;
  /** Lets go of the secrets that no master key opens, instead of refusing to start; hears how many there were. */
  readonly forgetLostSecrets: ((lost: ForgottenSecrets) => void) | undefined;
}

const CACHED_DEVICES = 20_000;
/** What nobody asks for goes; what was changed is noticed: see watchChanges. */
const CACHE_TTL_MS = 60_000;
/** How long a login waits for a database that does not answer, in milliseconds: an operator's call waits for longer. */
const LOOK_UP_MS = 2_000;
/** How late the last login of a device is told, at most, in milliseconds. */
const ACTIVITY_MS = 5_000;
/** How often audit events that are too old are looked for, in milliseconds. */
const PRUNE_MS = 60_000;

/** Opens the registry; `cleanup` closes it. */
export async function openRegistry(
  config: Config,
  { now, onFault, forgetLostSecrets }: RegistryOptions,
  cleanup: AsyncDisposableStack,
): Promise<OpenedRegistry> {
  // 1. The database, at this gateway's schema.
  const database = await openDatabase(config, onFault);
  cleanup.defer(() => database.close());
  await migrate(database);

  // 2. What is kept in it, and that its secrets open.
  const store = createStore(database, createSealer(config.masterKeys), onFault);
  const secrets = createSecrets({ secrets: store.secrets, now });
  if (forgetLostSecrets === undefined) await secrets.requireMasterKeys();
  else forgetLostSecrets(await secrets.forgetLost(GATEWAY));

  // 3. The cache before what logins ask for.
  const within = createDeadline({ ms: LOOK_UP_MS, elapsed: monotonicNow, expire: lookUpTooLong });
  const { findDevice, findKeys, settle } = store.credentials;
  const listeners: RegistryListener[] = [];
  let isSure = (): boolean => false;
  const credentials = createCredentialCache(
    {
      findDevice: (...asked) => within(findDevice(...asked)),
      findKeys: (...asked) => within(findKeys(...asked)),
      settle: (...asked) => within(settle(...asked)),
    },
    {
      capacity: CACHED_DEVICES,
      ttlMs: CACHE_TTL_MS,
      isSure: () => isSure(),
      isRecent: createRecentNames(CACHED_DEVICES),
    },
  );
  const revocations = createRevocations({
    revokedTokens: {
      list: (time) => within(store.revokedTokens.list(time)),
      has: (jti) => within(store.revokedTokens.has(jti)),
    },
    isSure: () => isSure(),
    now,
  });
  listeners.push({ onChange: credentials.forget, onUnsure: credentials.clear }, revocations);
  const changes = await watchChanges(database, {
    onChange: (subjects) => {
      for (const { onChange } of listeners) onChange(subjects);
    },
    onUnsure: () => {
      for (const { onUnsure } of listeners) onUnsure();
    },
    onFault,
    now,
    elapsed: monotonicNow,
  });
  isSure = changes.isSure;
  cleanup.defer(changes.close);

  // 4. The operator's use-cases.
  const registry = createRegistry({ ...store, now });

  // 5. What is done now and then.
  const activity = createActivityRecorder({ activity: store.activity, now });
  cleanup.defer(() => activity.flush().catch(onFault));
  cleanup.defer(repeatEvery(ACTIVITY_MS, activity.flush, onFault));
  const forgetExpired = async (): Promise<void> => {
    while (await registry.tokens.prune());
  };
  cleanup.defer(repeatEvery(PRUNE_MS, forgetExpired, onFault));
  const { auditRetentionMs } = config;
  if (auditRetentionMs !== undefined) {
    const prune = async (): Promise<void> => {
      while (!(await registry.audit.prune(auditRetentionMs)));
    };
    cleanup.defer(repeatEvery(PRUNE_MS, prune, onFault));
  }
  const feed: RegistryFeed = { isSure, hear: (listener) => listeners.push(listener) };
  return { store, credentials, activity, registry, secrets, feed, revocations };
}

function lookUpTooLong(): AuthError {
  const particulars = { retryAfterMs: UNAVAILABLE_RETRY_MS };
  return new AuthError("unavailable", "the registry does not answer in time. Try again later", particulars);
}

async function openDatabase(config: Config, onFault: (error: unknown) => void): Promise<Database> {
  if (config.databaseUrl === undefined) {
    mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
    return openSqlite(dataFile(config.dataDir, "countersign.db"));
  }
  // Loaded only where it is used: a start on SQLite need not wait for it.
  const { openPostgres } = await import("../store/postgres.ts");
  return openPostgres({ url: config.databaseUrl, onFault });
}
