// The port of sealed secrets: resealing, and retiring lost ones.

import type { Stamp } from "./ports.ts";

export interface Resealing {
  readonly resealed: number;
  /** Secrets that are not retired and that no master key of this gateway opens. */
  readonly unopened: number;
  /** All secrets that can be opened are now sealed with the first master key. */
  readonly done: boolean;
}

/** Counts of secrets in use that no master key opens. */
export interface LostSecrets {
  readonly customerKeys: number;
  readonly signingKeys: number;
}

/** The store of sealed secrets. Transactions and errors as in ResourceStore. */
export interface SecretStore {
  /**
   * Reseals some secrets with the first master key, and writes only over unchanged rows: several gateways may reseal at once.
   * Writes an audit entry only with a change. Call it until it is done.
   */
  reseal(stamp: Stamp): Promise<Resealing>;
  /**
   * Counts the lost secrets at `now`: signing keys that no master key opens, customer keys whose master key is missing. Rejects for
   * a signing key that only a newer gateway can open.
   */
  findLost(now: number): Promise<LostSecrets>;
  /**
   * Retires lost customer keys and signing keys, and deletes a lost signing key that never signed, so that new ones can replace
   * them. Rejects without a change if a newer gateway could open one.
   */
  forgetLost(stamp: Stamp): Promise<LostSecrets>;
}

/** Secrets in use that no master key opens. */
export class LostSecretsError extends Error {
  override readonly name = "LostSecretsError";
  constructor({ customerKeys, signingKeys }: LostSecrets) {
    const keys = customerKeys === 1 ? "1 customer key" : `${customerKeys} customer keys`;
    const parts = [...(signingKeys > 0 ? ["the signing key"] : []), ...(customerKeys > 0 ? [keys] : [])];
    super(`${parts.join(" and ")} cannot be opened with the master keys of this gateway`);
  }
}

/** @throws LostSecretsError when logins would fail at `now`, in Unix milliseconds, for lack of a master key */
export async function requireMasterKeys(secrets: Pick<SecretStore, "findLost">, now: number): Promise<void> {
  const lost = await secrets.findLost(now);
  if (lost.customerKeys > 0 || lost.signingKeys > 0) throw new LostSecretsError(lost);
}
