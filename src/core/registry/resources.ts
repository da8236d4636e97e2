// Customers and devices: standard methods (AIP-130), versions, and audit entries.

import { AuthError } from "../errors.ts";
import { type Fields, type Listing, type ListRequest, listPage } from "./lists.ts";
import { doesNotExist } from "./names.ts";
import type {
  Actor,
  AuditEntry,
  AuditedResource,
  Change,
  Customer,
  Device,
  ResourceStore,
  Stamp,
  Versioned,
} from "./ports.ts";
import { markRevocation } from "./revocation.ts";

/** The use cases on customers or devices. Each throws AuthError: `malformed`, or an error of the store. */
export interface Resources<Draft, Patch, Stored> {
  create(draft: Draft, actor: Actor): Promise<Stored>;
  get(name: string): Promise<Stored>;
  list(request: ListRequest): Promise<Listing<Stored>>;
  /** Unless `etag` is empty, only that version is changed. @throws AuthError `etag_mismatch` */
  update(name: string, patch: Patch, etag: string, actor: Actor): Promise<Stored>;
  delete(name: string, etag: string, actor: Actor): Promise<void>;
  /** Revokes the tokens of the device, or of the customer's devices. */
  revokeTokens(name: string, actor: Actor): Promise<Stored>;
}

type Common = Pick<Customer & Device, "status" | "tokensNotBefore">;

/** The rows of one kind. Its functions throw AuthError `malformed`; times are Unix milliseconds. */
export interface ResourceKind<Draft, Patch, Row> {
  readonly row: "customer" | "device";
  /** As in the names of methods. */
  readonly noun: "Customer" | "Device";
  /** The fields that filters may use. */
  readonly fields: Fields;
  readonly readName: (text: string) => string;
  /** Checks and normalises a patch. */
  readonly readPatch: (patch: Patch) => Patch;
  readonly create: (draft: Draft, at: number) => Row;
  /** Applies a checked patch. */
  readonly apply: (current: Row, patch: Patch, at: number) => Row;
  readonly resourceOf: (row: Row) => AuditedResource;
  /** The fields that the audit log shows. */
  readonly detailsOf: (row: Row) => AuditEntry["details"];
}

type Named<Row> = Pick<ResourceKind<never, never, Row>, "noun" | "resourceOf">;

/** Decides an update by a checked patch; undefined where nothing differs. */
export function decideUpdate<Patch, Row extends Common>(
  { noun, apply, resourceOf, detailsOf }: ResourceKind<never, Patch, Row>,
  current: Row,
  patch: Patch,
  stamp: Stamp,
): Change<Row> | undefined {
  const next = apply(current, patch, stamp.at);
  const before = detailsOf(current);
  const changed = Object.entries(detailsOf(next)).filter(([field, value]) => value !== before[field]);
  if (changed.length === 0) return undefined;
  const details = Object.fromEntries(changed);
  const entry = { ...stamp, action: `Update${noun}`, ...resourceOf(current), details };
  // Disabling revokes the tokens for good: they stay revoked when the row is enabled again.
  const ends = next.status === "disabled" && current.status === "enabled";
  return { next: ends ? { ...next, tokensNotBefore: markRevocation(current.tokensNotBefore, stamp.at) } : next, entry };
}

/** Revokes the tokens that a device or a customer has. */
export function decideRevocation<Row extends Common>(
  { noun, resourceOf }: Named<Row>,
  current: Row,
  stamp: Stamp,
): Change<Row> {
  const tokensNotBefore = markRevocation(current.tokensNotBefore, stamp.at);
  const details = { tokens_not_before: new Date(tokensNotBefore).toISOString() };
  const entry = { ...stamp, action: `Revoke${noun}Tokens`, ...resourceOf(current), details };
  return { next: { ...current, tokensNotBefore }, entry };
}

export function describeDeletion<Row>({ noun, resourceOf }: Named<Row>, current: Row, stamp: Stamp): AuditEntry {
  return { ...stamp, action: `Delete${noun}`, ...resourceOf(current), details: {} };
}

/** Creates the use cases over a store. `now` in Unix milliseconds. */
export function createResources<Draft, Patch, Row extends Common, Stored extends Row & Versioned>(
  kind: ResourceKind<Draft, Patch, Row>,
  store: ResourceStore<Row, Stored>,
  now: () => number,
): Resources<Draft, Patch, Stored> {
  const { row, noun, fields, readName, readPatch, resourceOf, detailsOf } = kind;
  return {
    async create(draft, actor) {
      const at = now();
      const created = kind.create(draft, at);
      const details = detailsOf(created);
      return store.insert(created, { actor, at, action: `Create${noun}`, ...resourceOf(created), details });
    },

    async get(name) {
      const stored = await store.find(readName(name));
      if (stored === undefined) throw doesNotExist(row);
      return stored;
    },

    async list(request) {
      return listPage(fields, request, store.list, now());
    },

    async update(name, patch, etag, actor) {
      const checked = readPatch(patch);
      return store.update(readName(name), (current) => {
        requireVersion(current, etag, row);
        return decideUpdate(kind, current, checked, { actor, at: now() });
      });
    },

    async delete(name, etag, actor) {
      await store.delete(readName(name), (current) => {
        requireVersion(current, etag, row);
        return describeDeletion(kind, current, { actor, at: now() });
      });
    },

    async revokeTokens(name, actor) {
      return store.update(readName(name), (current) => decideRevocation(kind, current, { actor, at: now() }));
    },
  };
}

/** The version of a row, quoted as in HTTP (RFC 9110, 8.8.3). A row that was deleted and created again has another version. */
export function etagOf({ createdAt, revision }: Pick<Versioned, "createdAt" | "revision">): string {
  return `"${Buffer.from(`${createdAt}.${revision}`).toString("base64url")}"`;
}

/** @throws AuthError `etag_mismatch` unless `etag` is empty or of this version; the message names the kind of `row` */
export function requireVersion(version: Pick<Versioned, "createdAt" | "revision">, etag: string, row: string): void {
  if (etag === "" || etag === etagOf(version)) return;
  const message = `this ${row} was changed after that etag was read. Read it again and repeat the change`;
  throw new AuthError("etag_mismatch", message, { field: "etag" });
}
