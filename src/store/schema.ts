// The tables, as Kysely sees them, and the decoy. Times are Unix milliseconds, flags 0 or 1.

import { type Expression, type Generated, type SqlBool, sql } from "kysely";

export interface Schema {
  customers: {
    customer_id: string;
    display_name: string;
    status: string;
    /** In the form of the setting LOGIN_LIMIT; empty: the gateway's own. */
    login_limit: string;
    /** Random; changes with any of the customer's keys, in the same transaction. */
    keys_version: string;
    /** Last revocation of all its tokens; 0: never. */
    tokens_not_before: number;
    created_at: number;
    updated_at: number;
    revision: number;
  };
  customer_keys: {
    key_id: string;
    customer_id: string;
    purpose: string;
    sealed_secret: Uint8Array;
    not_before: number;
    expires_at: number | null;
    created_at: number;
    retired_at: number | null;
  };
  devices: {
    device_key: string;
    customer_id: string;
    display_name: string;
    status: string;
    key_mode: string;
    key_mode_since: number;
    shared_identity: number;
    replay_guard: number;
    /** A JSON object of strings. */
    labels: string;
    /** Base64 of a SubjectPublicKeyInfo; empty: none. */
    public_key: string;
    /** 1 during a move from a shared key to its own: both prove a login. */
    accepts_shared: number;
    tokens_not_before: number;
    created_at: number;
    updated_at: number;
    revision: number;
  };
  /** A table of its own: it is written all the time and does not change a device's version. */
  device_activity: {
    device_key: string;
    last_login_at: number | null;
    last_key_id: string | null;
    last_failure_at: number | null;
    last_failure_reason: string | null;
  };
  signing_keys: {
    kid: string;
    alg: string;
    /** `next`, `active`, `retired` or `revoked`; at most one row of each of the first two. */
    state: string;
    /** Empty once it no longer signs. */
    sealed_private_key: Uint8Array;
    public_jwk: string;
    /** When it was created and published. */
    created_at: number;
    /** Null for a key that never signed. */
    activated_at: number | null;
    /** When it stopped signing, or was revoked. */
    retired_at: number | null;
  };
  /** Revoked tokens, until they expire. */
  revoked_tokens: {
    jti: string;
    revoked_at: number;
    expires_at: number;
  };
  /** Admin tokens that were issued to operators. */
  operator_tokens: {
    token_id: string;
    /** SHA-256 in hex, of a random token: it needs neither salt nor key. */
    token_hash: string;
    /** The operator's name. */
    operator: string;
    role: string;
    created_at: number;
    expires_at: number;
    revoked_at: number | null;
  };
  audit_events: {
    event_id: Generated<number>;
    at: number;
    token_id: string;
    operator: string;
    address: string;
    request_id: string;
    action: string;
    resource: string;
    customer_id: string;
    /** A JSON object. */
    details: string;
  };
}

/**
 * The name of the decoy: a customer and a device that the login of an unknown device reads. No real name is empty, and lists begin
 * after it.
 */
export const DECOY = "";

/** Whether a row is not the decoy, by the column that names it, as in `device.device_key`. */
export function isReal(column: string): Expression<SqlBool> {
  return sql<SqlBool>`${sql.ref(column)} <> ${sql.lit(DECOY)}`;
}
