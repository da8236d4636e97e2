// Sealed secrets as operators see to them: sealing anew under another master key, and letting go of those that are lost.
// Knows no cipher and no database.

import { AuthError } from "../errors.ts";
import { checkBeside } from "./new-customer-key.ts";
import { type Actor, type AuditEntry, type CustomerSecret, type CustomerSecrets, GATEWAY } from "./ports.ts";
import type { LostSecrets, Resealing, SecretStore } from "./record-ports.ts";

export interface Secrets {
  /** Seals some secrets anew; to be called until done. */
  reseal(actor: Actor): Promise<Resealing>;
  /**
   * Takes back, in the gateway's name, that keys were given up as lost where they open now.
   * @throws LostSecretsError when logins would fail for want of a master key
   */
  requireMasterKeys(): Promise<void>;
  /** As requireMasterKeys, but lets go of every secret that does not open, so that new ones can take their place. */
  forgetLost(actor: Actor): Promise<LostSecrets>;
}

/** Secrets that are needed and do not open. */
export class LostSecretsError extends Error {
  override readonly name = "LostSecretsError";
  constructor({ customerKeys, signingKeys }: LostSecrets) {
    const parts = [...(signingKeys > 0 ? ["the signing key"] : []), ...(customerKeys > 0 ? [keys(customerKeys)] : [])];
    super(`${parts.join(" and ")} cannot be opened with the master keys of this gateway`);
  }
}

function keys(count: number): string {
  return count === 1 ? "1 customer key" : `${count} customer keys`;
}

export interface SecretsDependencies {
  readonly secrets: SecretStore;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Builds the use-cases over their port. */
export function createSecrets({ secrets, now }: SecretsDependencies): Secrets {
  const describe = (actor: Actor, at: number, action: string, details: AuditEntry["details"]): AuditEntry => ({
    actor,
    at,
    action,
    resource: "secrets",
    customerId: "",
    details,
  });

  function takeBack(actor: Actor, at: number): Promise<void> {
    return secrets.takeBack(
      (key, others) => mayStandBeside(key, others, at),
      (customerId, keyIds) => ({
        ...describe(actor, at, "TakeBackLostKeys", { key_ids: keyIds.join(" ") }),
        resource: `customers/${customerId}`,
        customerId,
      }),
    );
  }

  return {
    reseal: (actor) => secrets.resealSome((resealed) => describe(actor, now(), "ResealSecrets", { resealed })),
    async requireMasterKeys() {
      const at = now();
      await takeBack(GATEWAY, at);
      const lost = await secrets.findLost(at);
      if (lost.customerKeys > 0 || lost.signingKeys > 0) throw new LostSecretsError(lost);
    },
    async forgetLost(actor) {
      const at = now();
      await takeBack(actor, at);
      return secrets.forgetLost(at, ({ customerKeys, signingKeys }) =>
        describe(actor, at, "ForgetLostSecrets", { customer_keys: customerKeys, signing_keys: signingKeys }),
      );
    },
  };
}

/** Whether a key that was given up is as good as a new one: since then another may have taken its place. */
function mayStandBeside(key: CustomerSecret, others: CustomerSecrets, at: number): boolean {
  try {
    checkBeside(key, others, at, false);
    return true;
  } catch (error) {
    if (error instanceof AuthError) return false;
    throw error;
  }
}
