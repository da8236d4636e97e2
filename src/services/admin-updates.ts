// Updates of resources: the changed fields (AIP-134) and the required etag.

import type { DescMessage } from "@bufbuild/protobuf";
import type { FieldMask } from "@bufbuild/protobuf/wkt";
import { type AuthError, malformed } from "../core/errors.ts";

const FIELD = "update_mask";

/** A field that updates can change. */
export interface ChangeableField<Patch> {
  /** The change to the field; undefined when the request has no value for it. */
  readonly change: Partial<Patch> | undefined;
  /** Whether the field changes without a mask; absent: if it has a value. */
  readonly isSet?: boolean;
}

/**
 * Joins the changes of the fields in the mask; without a mask, of the fields that are set.
 * @throws AuthError `malformed` for a path that is not a changeable field, or a field without a value
 */
export function readMaskedPatch<Patch>(
  mask: FieldMask | undefined,
  desc: DescMessage,
  fields: Readonly<Record<string, ChangeableField<Patch>>>,
): Partial<Patch> {
  const names = Object.keys(fields);
  const paths = mask?.paths ?? [];
  const given = names.filter((name) => fields[name]?.isSet ?? fields[name]?.change !== undefined);
  const changes = (paths.length === 0 ? given : paths).map((path) => {
    const field = Object.hasOwn(fields, path) ? fields[path] : undefined;
    if (field === undefined) throw wrongPath(path, desc, names);
    if (field.change !== undefined) return field.change;
    throw malformed(`${path} is in update_mask and has no value. Send the new one`, path);
  });
  return Object.assign({}, ...changes);
}

function wrongPath(path: string, desc: DescMessage, changeable: readonly string[]): AuthError {
  // The message repeats only paths of harmless characters.
  const shown = /^[\w.]{1,64}$/.test(path) ? path : "a path";
  const wrong = desc.fields.some(({ name }) => name === path) ? "which cannot be changed" : "which is not a field";
  return malformed(`update_mask has ${shown} ${wrong}. You can change ${changeable.join(" ")}`, FIELD);
}

/** An etag in a header; `W/` and `-gzip` are what compressing proxies add. */
const ETAG = /^(?:W\/)?"([\w-]+?)(?:-gzip)?"$/;

/**
 * The etag that a change requires: from `If-Match` (RFC 9110, 13.1.1) or the request's field; empty for any version.
 * @throws AuthError `malformed` for a header that is not an etag, or differs from the field
 */
export function readEtag(requestHeader: Headers, etag: string): string {
  const header = requestHeader.get("if-match");
  if (header === null || header === "*") return etag;
  const tag = ETAG.exec(header)?.[1];
  if (tag === undefined) {
    throw malformed("If-Match is not one etag in double quotes. Send it as you received it", "etag");
  }
  const quoted = `"${tag}"`;
  if (etag !== "" && etag !== quoted) throw malformed("etag and If-Match differ. Send one of them", "etag");
  return quoted;
}

/** Sets the `ETag` header to the resource's etag. @returns the resource */
export function withEtag<Message extends { readonly etag?: string }>(
  responseHeader: Headers,
  message: Message,
): Message {
  if (message.etag !== undefined) responseHeader.set("ETag", message.etag);
  return message;
}
