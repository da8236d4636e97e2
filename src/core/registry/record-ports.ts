// The ports of what is kept beside the registry: secrets at rest, tokens that were taken back, the audit log, what was last seen.

import type { AuditEntry, AuditEvent, Page, Paged } from "./ports.ts";

export interface Resealing {
  readonly resealed: number;
  /** Secrets that open with no master key of this gateway and are not retired. */
  readonly unopened: number;
  /** All that can be is sealed with the first master key. */
  readonly done: boolean;
}

/** How many of those that are needed open with no master key. */
export interface LostSecrets {
  readonly customerKeys: number;
  readonly signingKeys: number;
}

/**
 * Secrets at rest, under one of several master keys each. Every change and its audit entry are one transaction; throws AuthError
 * `unavailable` when the database cannot be asked.
 */
export interface SecretStore {
  /**
   * Seals some anew with the first master key: each only while it is what was read, so that others may do the same at once.
   * Each call either seals some or is done, by having looked at all; no entry when nothing changes.
   */
  resealSome(describe: (resealed: number) => AuditEntry): Promise<Resealing>;
  /**
   * Counts what is needed at `now` and lost: signing keys that do not open, customer keys under a master key that is not
   * there. Rejects where only a newer gateway can open a signing key.
   */
  findLost(now: number): Promise<LostSecrets>;
  /**
   * Retires customer keys and signing keys that do not open; a signing key that never signed is deleted. Rejects, and changes nothing,
   * where a newer gateway could open one.
   */
  forgetLost(now: number, describe: (lost: LostSecrets) => AuditEntry): Promise<LostSecrets>;
}

/** A token that was taken back by itself. */
export interface RevokedToken {
  readonly jti: string;
  /** When it has expired whatever it is, in unix milliseconds. */
  readonly expiresAt: number;
}

/** Tokens that were revoked one by one, until they have expired. As CustomerStore, but `prune` has no audit entry. */
export interface RevokedTokenStore {
  /**
   * One that is there already is remembered for as long as the later says, by whatever clock the former was written; without an entry
   * where that changes nothing. @returns what is there
   */
  insert(token: RevokedToken, entry: AuditEntry): Promise<RevokedToken>;
  /** Deletes at most `most` of those that have expired at `now`. @returns how many */
  prune(now: number, most: number): Promise<number>;
}

/** The audit log. Throws AuthError `unavailable` when the database cannot be asked. */
export interface AuditLog {
  /** An entry of what changes no row: a secret that was shown. */
  append(entry: AuditEntry): Promise<void>;
  /** The newest first. */
  list(page: Page): Promise<Paged<AuditEvent>>;
  /** Deletes at most `most` events of before `time`. @returns how many */
  prune(time: number, most: number): Promise<number>;
}

/** The outcome of a login, as its operators see it. */
export interface Sighting {
  readonly deviceKey: string;
  /** The latest login; undefined: none since the last time. */
  readonly login: { readonly at: number; readonly keyId: string } | undefined;
  readonly failure: { readonly at: number; readonly reason: string } | undefined;
}

/** A device that logged in by its own key while it moved to that. */
export interface Move {
  readonly deviceKey: string;
  /** When the move began, as the login read it, in unix milliseconds. */
  readonly movingSince: number;
}

/** The last login and failure of each device. Rejects with AuthError `unavailable` when the database cannot be asked. */
export interface ActivityStore {
  /** In transactions of some hundred. Unknown devices are skipped, and older sightings change nothing. */
  record(sightings: readonly Sighting[]): Promise<void>;
  /** Has the shared key prove no more logins of these devices, with an audit event each, at `at` in unix milliseconds. */
  finishMoves(moves: readonly Move[], at: number): Promise<void>;
}
