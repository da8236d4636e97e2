// The form fields of a device: name, labels and key.

import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { type Device, KeyMode } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { labelsText, parseLabels } from "../cli/device-file/row.ts";
import { TextArea, TextField } from "./fields.tsx";
import type { FormValues } from "./form.tsx";

/** Kinds of keys: the title of each, and one sentence. */
const KINDS = {
  shared: ["Shared", "It signs with the customer's key, which other devices of the customer share. Simple to flash."],
  derived: [
    "Its own",
    "It signs with a key of its own, derived from a key that stays here. A stolen board exposes only itself.",
  ],
  pair: [
    "Its own key pair",
    "The device made the pair, as a secure element does, and logs in by OAuth. The gateway has only the public key.",
  ],
} as const;

function kindOf({ publicKey, keyMode }: Device): keyof typeof KINDS {
  if (publicKey !== "") return "pair";
  return keyMode === KeyMode.DERIVED ? "derived" : "shared";
}

/** The kind of a device's key in words. */
export function keyText(device: Device): string {
  return device.acceptsSharedKey ? "its own, or still the shared one" : KINDS[kindOf(device)][0].toLowerCase();
}

export function DeviceFields({ device }: { readonly device?: Device }): VNode {
  const before = device === undefined ? "shared" : kindOf(device);
  const [kind, setKind] = useState<string>(before);
  return (
    <>
      <TextField name="displayName" label="Name for people" defaultValue={device?.displayName ?? ""} maxLength={200} />
      <TextField
        name="labels"
        label="Labels"
        hint="As in site=north;line=7"
        defaultValue={labelsText(device?.labels ?? {})}
      />
      <fieldset>
        <legend>Key</legend>
        {Object.entries(KINDS).map(([value, [title, text]]) => (
          <label key={value} class="choice">
            <input type="radio" name="kind" value={value} checked={kind === value} onChange={() => setKind(value)} />
            <span>
              <strong>{title}</strong>
              <small class="quiet block">{text}</small>
            </span>
          </label>
        ))}
      </fieldset>
      {kind === "pair" && (
        <TextArea
          name="publicKey"
          label="Public key"
          hint="P-256 or Ed25519, in PEM as openssl pkey -pubout prints it, or the base64 in it"
          defaultValue={device?.publicKey ?? ""}
          rows={4}
          required
        />
      )}
      {before === "shared" && kind === "derived" && device !== undefined && (
        <p class="quiet">Both keys are accepted until it has logged in by its own.</p>
      )}
    </>
  );
}

/** Reads the values of the fields. @throws RowMistake for malformed labels */
export function readDeviceFields(values: FormValues): Pick<Device, "displayName" | "labels" | "keyMode" | "publicKey"> {
  const { displayName = "", labels = "", kind, publicKey = "" } = values;
  return {
    displayName,
    labels: labels === "" ? {} : parseLabels(labels),
    keyMode: kind === "derived" ? KeyMode.DERIVED : KeyMode.SHARED,
    publicKey,
  };
}
