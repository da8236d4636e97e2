// Customer keys: the secrets that logins are signed with, and boards' own keys derived from.

import { malformed } from "../errors.ts";
import { requireCustomer } from "./customers.ts";
import { type KeyProgress, type KeyState, progressOf, type Stop, stateOf, stopOf } from "./key-usage.ts";
import { readCustomerId } from "./names.ts";
import { type CustomerKeyDraft, checkBeside, newCustomerKey } from "./new-customer-key.ts";
import { type Listing, type ListRequest, listPage, pageOf } from "./pages.ts";
import type { Actor, AuditEntry, CustomerKey, CustomerKeyStore, CustomerStore, StoredCustomerKey } from "./ports.ts";
import { noCustomerKey } from "./refusals.ts";

export interface IssuedCustomerKey {
  readonly keyId: string;
  /** The secret as it is flashed. Not kept in the clear: this is the only time it is seen. */
  readonly customerKey: string;
  readonly warning: string;
}

export type CustomerKeyView = StoredCustomerKey & { readonly state: KeyState };

export interface Retirement extends Stop {
  readonly key: CustomerKeyView;
}

export interface CustomerKeys {
  issue(draft: CustomerKeyDraft, actor: Actor): Promise<IssuedCustomerKey>;
  list(customerId: string, request: ListRequest): Promise<Listing<CustomerKeyView>>;
  progress(customerId: string): Promise<KeyProgress>;
  /** `dryRun`: only tells what it would stop. One that is retired already stays as it is. */
  retire(keyId: string, dryRun: boolean, actor: Actor): Promise<Retirement>;
}

export interface CustomerKeysDependencies {
  readonly customers: Pick<CustomerStore, "find">;
  readonly customerKeys: CustomerKeyStore;
  readonly now: () => number;
}

/** The form of a key_id: databases refuse some characters outright. */
const KEY_ID = /^[\x21-\x7e]{1,64}$/;

/** Each use-case throws AuthError: `malformed`, or an error of the store. */
export function createCustomerKeys({ customers, customerKeys, now }: CustomerKeysDependencies): CustomerKeys {
  const viewOf = (key: StoredCustomerKey): CustomerKeyView => ({ ...key, state: stateOf(key, now()) });

  return {
    async issue(draft, actor) {
      const at = now();
      const { key, customerKey, warning } = newCustomerKey(draft, at);
      const details = {
        key_id: key.keyId,
        purpose: key.purpose,
        imported: draft.importedKey !== "",
        not_before: new Date(key.notBefore).toISOString(),
        ...(key.expiresAt !== undefined && { expires_at: new Date(key.expiresAt).toISOString() }),
      };
      const entry = entryOf("IssueCustomerKey", key, actor, at, details);
      await customerKeys.insert(key, (others) => checkBeside(key, others, at), entry);
      return { keyId: key.keyId, customerKey, warning };
    },

    async list(customerId, request) {
      await requireCustomer(customers, readCustomerId(customerId));
      const keys = await customerKeys.list(customerId);
      return listPage({}, request, async (page) => pageOf(keys.map(viewOf), ({ keyId }) => keyId, page));
    },

    async progress(customerId) {
      await requireCustomer(customers, readCustomerId(customerId));
      return progressOf(await customerKeys.list(customerId), await customerKeys.usageOf(customerId), now());
    },

    async retire(keyId, dryRun, actor) {
      if (keyId === "") throw malformed("key_id is missing", "key_id");
      const before = KEY_ID.test(keyId) ? await customerKeys.find(keyId) : undefined;
      if (before === undefined) throw noCustomerKey();
      const at = now();
      // Before the devices are counted, which may take seconds: a key that is known to strangers has to go at once.
      const after = dryRun
        ? before
        : await customerKeys.retire(keyId, (current) =>
            current.retiredAt === undefined
              ? entryOf("RetireCustomerKey", current, actor, at, { key_id: keyId, purpose: current.purpose })
              : undefined,
          );
      const { customerId } = before;
      const [keys, usage] = [await customerKeys.list(customerId), await customerKeys.usageOf(customerId)];
      return { key: viewOf(after), ...stopOf(before, keys, usage, at) };
    },
  };
}

function entryOf(
  action: string,
  { keyId, customerId }: Pick<CustomerKey, "keyId" | "customerId">,
  actor: Actor,
  at: number,
  details: AuditEntry["details"],
): AuditEntry {
  return { actor, at, action, resource: `customer-keys/${keyId}`, customerId, details };
}
