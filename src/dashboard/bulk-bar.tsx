// Changes of a selection of devices, or of all that a filter matches, and their export.

import { useRef, useState } from "preact/hooks";
import { DeviceAction } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { exportDevices } from "./device-file.ts";
import { admin } from "./gateway.ts";
import { useAction, useSession } from "./loading.ts";
import { Dialog, FailureNotice, Notice, saveFile, TextField } from "./parts.tsx";
import { countText, numberText } from "./words.ts";

interface BulkBarProps {
  readonly filter: string;
  /** Names; empty: all that the filter matches. */
  readonly selected: readonly string[];
  /** Devices that the filter matches; undefined until they are counted. */
  readonly count: number | undefined;
  readonly onChanged: () => void;
}

interface Choice {
  readonly name: string;
  readonly action: DeviceAction;
  readonly isDanger: boolean;
  readonly warning: string;
}

const CHOICES: readonly Choice[] = [
  { name: "Enable", action: DeviceAction.ENABLE, isDanger: false, warning: "They may log in again." },
  {
    name: "Disable",
    action: DeviceAction.DISABLE,
    isDanger: true,
    warning: "Their logins are refused from now on, and their tokens are revoked.",
  },
  { name: "Label", action: DeviceAction.LABEL, isDanger: false, warning: "A label without a value is removed." },
  {
    name: "Revoke tokens",
    action: DeviceAction.REVOKE_TOKENS,
    isDanger: true,
    warning: "They have to log in again. Services that check tokens by themselves accept them until they expire.",
  },
  {
    name: "Delete",
    action: DeviceAction.DELETE,
    isDanger: true,
    warning: "They are gone, and cannot be brought back.",
  },
];

/** Every device, as the contract spells it. */
const ALL = 'device_key != ""';

export function BulkBar({ filter, selected, count, onChanged }: BulkBarProps) {
  const { isAdmin } = useSession();
  const [choice, setChoice] = useState<Choice>();
  const size = selected.length > 0 ? selected.length : count;
  return (
    <div class="row bulk">
      <span class="quiet">{selected.length > 0 ? `${selected.length} selected:` : "All of them:"}</span>
      {isAdmin &&
        CHOICES.map((one) => (
          <button
            key={one.name}
            type="button"
            class={one.isDanger ? "danger" : ""}
            disabled={size === undefined || size === 0}
            onClick={() => setChoice(one)}
          >
            {one.name}
          </button>
        ))}
      <ExportButton filter={filter} selected={selected} disabled={size === 0} />
      {choice !== undefined && size !== undefined && (
        <BulkDialog
          choice={choice}
          size={size}
          filter={filter === "" ? ALL : filter}
          selected={selected}
          onClose={(isChanged) => {
            setChoice(undefined);
            if (isChanged) onChanged();
          }}
        />
      )}
    </div>
  );
}

interface BulkDialogProps {
  readonly choice: Choice;
  readonly size: number;
  readonly filter: string;
  readonly selected: readonly string[];
  readonly onClose: (isChanged: boolean) => void;
}

interface Progress {
  readonly matched: number;
  readonly changed: number;
  readonly isDone: boolean;
}

function BulkDialog({ choice, size, filter, selected, onClose }: BulkDialogProps) {
  const { name, action, isDanger, warning } = choice;
  const [label, setLabel] = useState("");
  const [progress, setProgress] = useState<Progress>();
  const isStopped = useRef(false);
  const task = useAction();
  const labels = readLabels(label);
  const isReady = action !== DeviceAction.LABEL || labels !== undefined;

  async function change(): Promise<void> {
    let [matched, changed] = [0, 0];
    let pageToken = "";
    do {
      const request = selected.length > 0 ? { deviceKeys: [...selected] } : { filter, pageToken };
      const answer = await admin.changeDevices({ ...request, action, labels: labels ?? {} });
      matched += answer.matched;
      changed += answer.changed;
      pageToken = answer.nextPageToken;
      setProgress({ matched, changed, isDone: pageToken === "" });
    } while (pageToken !== "" && !isStopped.current);
  }

  return (
    <Dialog
      title={`${name}: ${countText(size, "device")}`}
      onClose={() => {
        isStopped.current = true;
        onClose(progress !== undefined);
      }}
    >
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void task.run(change);
        }}
      >
        <p>{warning}</p>
        {selected.length === 0 && (
          <p>
            Filter: <code>{filter}</code>
          </p>
        )}
        {action === DeviceAction.LABEL && (
          <TextField label="Label" placeholder="site=north" value={label} onValue={setLabel} required />
        )}
        {progress !== undefined && (
          <>
            <progress aria-label="Progress" max={size} value={progress.matched} />
            <Notice tone={progress.isDone ? "good" : "quiet"}>
              {progress.isDone ? "Done: " : ""}
              {numberText(progress.changed)} changed, {numberText(progress.matched - progress.changed)} were so already.
            </Notice>
          </>
        )}
        <FailureNotice failure={task.failure} />
        <div class="row end">
          <button type="button" onClick={(event) => event.currentTarget.closest("dialog")?.close()}>
            {progress?.isDone ? "Close" : task.isBusy ? "Stop" : "Cancel"}
          </button>
          {!progress?.isDone && (
            <button type="submit" class={isDanger ? "danger solid" : "primary"} disabled={task.isBusy || !isReady}>
              {task.isBusy ? "Working…" : `${name} ${countText(size, "device")}`}
            </button>
          )}
        </div>
      </form>
    </Dialog>
  );
}

function readLabels(text: string): Record<string, string> | undefined {
  const [, name = "", value = ""] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  return name === "" ? undefined : { [name.trim()]: value };
}

interface ExportButtonProps {
  readonly filter: string;
  readonly selected: readonly string[];
  readonly disabled: boolean;
}

function ExportButton({ filter, selected, disabled }: ExportButtonProps) {
  const [exported, setExported] = useState<number>();
  const task = useAction();
  const save = async (): Promise<void> => {
    setExported(0);
    const parts = await exportDevices({ filter, selected }, setExported);
    saveFile("devices.csv", parts, "text/csv");
    setExported(undefined);
  };
  return (
    <>
      <button type="button" disabled={disabled || task.isBusy} onClick={() => void task.run(save)}>
        {exported === undefined ? "Export" : `${numberText(exported)} exported…`}
      </button>
      <FailureNotice failure={task.failure} />
    </>
  );
}
