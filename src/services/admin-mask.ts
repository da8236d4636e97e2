// Update masks (AIP-134): which fields of a resource an update is to change. Knows descriptors, and no resource.

import type { DescMessage } from "@bufbuild/protobuf";
import type { FieldMask } from "@bufbuild/protobuf/wkt";
import { type AuthError, malformed } from "../core/errors.ts";

const FIELD = "update_mask";
const ALL = "*";

/** What an update may say of one resource. */
export interface Maskable<Name extends string> {
  readonly desc: DescMessage;
  /** The fields that can be changed, by their names in the contract. */
  readonly changeable: readonly Name[];
}

/**
 * The fields to change: those of the mask, all for `*`, and without a mask those that `isSet`.
 * @throws AuthError `malformed` for a path that is no field, or none that can be changed
 */
export function readMask<Name extends string>(
  mask: FieldMask | undefined,
  { desc, changeable }: Maskable<Name>,
  isSet: (name: Name) => boolean,
): ReadonlySet<Name> {
  const paths = mask?.paths ?? [];
  if (paths.length === 0) return new Set(changeable.filter(isSet));
  if (paths.includes(ALL)) {
    if (paths.length === 1) return new Set(changeable);
    throw malformed("update_mask has an asterisk beside other fields. Send it alone to change all of them", FIELD);
  }
  return new Set(
    paths.map((path) => {
      const name = changeable.find((one) => one === path);
      if (name === undefined) throw wrongPath(path, desc, changeable);
      return name;
    }),
  );
}

function wrongPath(path: string, desc: DescMessage, changeable: readonly string[]): AuthError {
  // Only what is a field of the contract, or might have been meant as one, is said again.
  const shown = /^[\w.]{1,64}$/.test(path) ? path : "a path";
  const wrong = desc.fields.some(({ name }) => name === path) ? "which cannot be changed" : "which is no field";
  return malformed(`update_mask has ${shown} ${wrong}. Fields that can be are ${changeable.join(" ")}`, FIELD);
}

/** A value that the mask names and the request does not have: an enum or a switch has none to be reset to. */
export function requireMasked<Value>(value: Value | undefined, field: string): Value {
  if (value === undefined)
    throw malformed(`${field} is to be changed and has no value. Send the one it is to have`, field);
  return value;
}
