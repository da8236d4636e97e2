// AdminService's methods on customer keys and signing keys.

import type { CustomerKeys } from "../core/registry/customer-keys.ts";
import type { SigningKeys } from "../core/tokens/signing-keys.ts";
import type { ActorOf, AdminMethods } from "./admin-guard.ts";
import {
  customerKeyMessage,
  keyPurposes,
  keyStates,
  readTime,
  signingKeyMessage,
  writeTime,
} from "./admin-messages.ts";

/** Creates the methods. They throw the errors of the registry and of the key ring. */
export function createKeyMethods(
  customerKeys: CustomerKeys,
  signingKeys: SigningKeys,
  actorOf: ActorOf,
): AdminMethods<`${string}${"Customer" | "Signing"}Key${string}`> {
  return {
    async issueCustomerKey({ customerId, purpose, importedKey, notBefore, expiresAt }, context) {
      const draft = {
        customerId,
        purpose: keyPurposes.read(purpose) ?? "login",
        importedKey,
        notBefore: readTime(notBefore, "not_before"),
        expiresAt: readTime(expiresAt, "expires_at"),
      };
      return customerKeys.issue(draft, actorOf(context));
    },

    async listCustomerKeys({ customerId }) {
      return { customerKeys: (await customerKeys.list(customerId)).map(customerKeyMessage) };
    },

    async getCustomerKeyUsage({ customerId }) {
      const { keys, silentDevices } = await customerKeys.progress(customerId);
      return {
        keys: keys.map(({ keyId, purpose, state, devices, lastUseAt }) => ({
          keyId,
          purpose: keyPurposes.write(purpose),
          state: keyStates.write(state),
          devices,
          lastUseTime: writeTime(lastUseAt),
        })),
        silentDevices,
      };
    },

    async retireCustomerKey({ keyId, validateOnly }, context) {
      const { key, ...counts } = await customerKeys.retire(keyId, validateOnly, actorOf(context));
      return { customerKey: customerKeyMessage(key), ...counts };
    },

    async listSigningKeys() {
      return { signingKeys: (await signingKeys.list()).map(signingKeyMessage) };
    },

    async rotateSigningKey({ now }, context) {
      const { active, next } = await signingKeys.rotate(now, actorOf(context));
      return { active: signingKeyMessage(active), next: signingKeyMessage(next) };
    },

    async revokeSigningKey({ kid }, context) {
      const { revoked, active } = await signingKeys.revoke(kid, actorOf(context));
      return { signingKey: signingKeyMessage(revoked), active: signingKeyMessage(active) };
    },

    async importSigningKey({ privateKey, kid, asNext }, context) {
      return signingKeyMessage(await signingKeys.import({ privateKey, kid, asNext }, actorOf(context)));
    },
  };
}
