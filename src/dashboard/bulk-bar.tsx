// Changes and exports selected devices, or all that a filter matches.

import type { VNode } from "preact";
import { useRef, useState } from "preact/hooks";
import { DeviceAction } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { parseLabels } from "../cli/device-file/row.ts";
import { type DeviceSelection, exportDevices } from "./device-file.ts";
import { TextField } from "./fields.tsx";
import { ActionButton, type FormValues } from "./form.tsx";
import { admin } from "./gateway.ts";
import { useAction } from "./loading.ts";
import { FailureNotice, Notice, saveFile } from "./parts.tsx";
import { countText, numberText } from "./words.ts";

interface BulkProps extends DeviceSelection {
  /** Number of devices to change; undefined until they are counted. */
  readonly size: number | undefined;
  readonly onChanged: () => void;
}

type Choice = readonly [name: string, action: DeviceAction, isDanger: boolean, warning: string];

const CHOICES: readonly Choice[] = [
  ["Enable", DeviceAction.ENABLE, false, "These devices may log in again."],
  ["Disable", DeviceAction.DISABLE, true, "Their logins are refused from now on, and their tokens are revoked."],
  ["Label", DeviceAction.LABEL, false, "A label without a value is removed."],
  [
    "Revoke tokens",
    DeviceAction.REVOKE_TOKENS,
    true,
    "They have to log in again. Services that verify tokens themselves accept the revoked ones until they expire.",
  ],
  ["Delete", DeviceAction.DELETE, true, "They are deleted for good."],
];

export function BulkBar(devices: BulkProps): VNode {
  const { length } = devices.selected;
  return (
    <div class="row bulk">
      <span class="quiet">{length > 0 ? `${length} selected:` : "All of them:"}</span>
      {CHOICES.map((choice) => (
        <BulkButton key={choice[0]} choice={choice} {...devices} />
      ))}
      <ExportButton {...devices} />
    </div>
  );
}

function BulkButton({ choice, filter: given, selected, size = 0, onChanged }: BulkProps & { readonly choice: Choice }) {
  const [name, action, isDanger, warning] = choice;
  // The gateway refuses an empty filter for a change.
  const filter = given || 'device_key != ""';
  const [done, setDone] = useState<{ readonly matched: number; readonly changed: number }>();
  const isStopped = useRef(false);

  async function change({ label }: FormValues) {
    const labels = label === undefined ? {} : parseLabels(label);
    isStopped.current = false;
    let [matched, changed, pageToken] = [0, 0, ""];
    do {
      const request = selected.length > 0 ? { deviceKeys: [...selected] } : { filter, pageToken };
      const answer = await admin.changeDevices({ ...request, action, labels });
      matched += answer.matched;
      changed += answer.changed;
      pageToken = answer.nextPageToken;
      setDone({ matched, changed });
    } while (pageToken !== "" && !isStopped.current);
    onChanged();
    return (
      <Notice tone="good">
        Done: {numberText(changed)} changed, {numberText(matched - changed)} unchanged.
      </Notice>
    );
  }

  return (
    <ActionButton
      text={name}
      title={`${name}?`}
      submit={`${name} ${countText(size, "device")}`}
      danger={isDanger}
      isDisabled={size === 0}
      act={change}
      onClose={() => {
        isStopped.current = true;
        setDone(undefined);
      }}
    >
      <p>{warning}</p>
      {selected.length === 0 && <p>{given === "" ? "Every device of every customer." : `Filter: ${given}`}</p>}
      {action === DeviceAction.LABEL && <TextField name="label" label="Label" placeholder="site=north" required />}
      {done !== undefined && (
        <>
          <progress aria-label="Progress" max={size} value={done.matched} />
          <p class="quiet">{numberText(done.changed)} changed so far. Cancel stops it; a repetition finishes it.</p>
        </>
      )}
    </ActionButton>
  );
}

function ExportButton({ filter, selected, size }: BulkProps) {
  const [exported, setExported] = useState(0);
  const task = useAction();
  const save = async (): Promise<void> =>
    saveFile("devices.csv", await exportDevices({ filter, selected }, setExported), "text/csv");
  return (
    <>
      <button type="button" disabled={size === 0 || task.isBusy} onClick={() => void task.run(save)}>
        {task.isBusy ? `${numberText(exported)} exported…` : "Export"}
      </button>
      <FailureNotice failure={task.failure} />
    </>
  );
}
