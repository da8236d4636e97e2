// The tables, as Kysely sees them. Knows no query. Times are unix milliseconds, flags 0 or 1.

export interface Schema {
  customers: {
    customer_id: string;
    display_name: string;
    status: string;
    created_at: number;
  };
  customer_keys: {
    key_id: string;
    customer_id: string;
    purpose: string;
    sealed_secret: Uint8Array;
    not_before: number;
    expires_at: number | null;
    created_at: number;
  };
  devices: {
    device_key: string;
    customer_id: string;
    display_name: string;
    status: string;
    key_mode: string;
    shared_identity: number;
    replay_guard: number;
    created_at: number;
  };
  signing_keys: {
    kid: string;
    alg: string;
    state: string;
    sealed_private_key: Uint8Array;
    public_jwk: string;
    created_at: number;
  };
}
