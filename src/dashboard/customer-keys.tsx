// The keys of a customer: how far a rotation is, issue, import, retire.

import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { useState } from "preact/hooks";
import {
  type CustomerKey,
  type CustomerKeyUsage,
  KeyPurpose,
  KeyState,
  type RetireCustomerKeyResponse,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { admin } from "./gateway.ts";
import { useLoaded, useSession } from "./loading.ts";
import {
  Badge,
  CheckField,
  Dialog,
  FailureNotice,
  FormDialog,
  Notice,
  type Row,
  Secret,
  SelectField,
  Table,
  TextField,
  Time,
} from "./parts.tsx";
import { addressOf } from "./router.ts";
import { countText, keyStateWord, numberText, purposeText } from "./words.ts";

/** Counting a large fleet takes seconds. */
const COUNT_MS = 10_000;
const COUNTING = { timeoutMs: 60_000 };

export function CustomerKeys({ customerId }: { readonly customerId: string }) {
  const { isAdmin } = useSession();
  const [isIssuing, setIssuing] = useState(false);
  const [issued, setIssued] = useState<Issued>();
  const [retiring, setRetiring] = useState<CustomerKey>();
  const list = useLoaded(() => admin.listCustomerKeys({ customerId, pageSize: 100 }), [customerId]);
  const usage = useLoaded(() => admin.getCustomerKeyUsage({ customerId }, COUNTING), [customerId], COUNT_MS);
  const keys = list.value?.customerKeys;
  const reload = (): void => {
    list.reload();
    usage.reload();
  };
  return (
    <section class="card stack">
      <div class="row between">
        <h2>Keys</h2>
        {isAdmin && (
          <button type="button" class="primary" onClick={() => setIssuing(true)}>
            Issue a key
          </button>
        )}
      </div>
      <FailureNotice failure={list.failure} />
      <Rotation usage={usage.value} />
      <Table
        label="Keys"
        empty="There is no key yet. Issue one: devices sign logins with it."
        head={["Key", "Use", "State", "Devices", "Last used", "Issued", "Expires", "Change"]}
        rows={keys?.map((key) => rowOf(key, usage.value, isAdmin ? () => setRetiring(key) : undefined))}
      />
      {isIssuing && <IssueDialog customerId={customerId} onIssued={setIssued} onClose={() => setIssuing(false)} />}
      {issued && (
        <IssuedDialog
          issued={issued}
          onClose={() => {
            setIssued(undefined);
            reload();
          }}
        />
      )}
      {retiring && (
        <RetireDialog
          customerKey={retiring}
          onClose={() => {
            setRetiring(undefined);
            reload();
          }}
        />
      )}
    </section>
  );
}

/** How many devices have each live login key, while there are several. */
function Rotation({ usage }: { readonly usage: CustomerKeyUsage | undefined }) {
  const live =
    usage?.keys.filter(({ purpose, state }) => purpose === KeyPurpose.LOGIN && state === KeyState.LIVE) ?? [];
  if (usage === undefined || live.length < 2) return null;
  const [newest] = live;
  const all = live.reduce((sum, { devices }) => sum + devices, 0) + usage.silentDevices;
  const moved = newest?.devices ?? 0;
  return (
    <div class="stack">
      <p>
        <strong>Rotation:</strong> {numberText(moved)} of {countText(all, "device")} logged in with the newest key,{" "}
        {numberText(usage.silentDevices)} not at all yet.
      </p>
      <progress aria-label="Progress of the rotation" max={Math.max(1, all)} value={moved} />
      {moved === all && <Notice tone="good">Every device has the newest key. Retire the others.</Notice>}
    </div>
  );
}

function rowOf(key: CustomerKey, usage: CustomerKeyUsage | undefined, onRetire: (() => void) | undefined): Row {
  const { keyId, purpose, state, createTime, expiresAt } = key;
  const used = usage?.keys.find((one) => one.keyId === keyId);
  const cells = [
    <code>{keyId}</code>,
    purposeText(purpose),
    <Badge word={keyStateWord(state)} />,
    <a href={addressOf(["devices"], { filter: `last_key_id = ${keyId}` })}>{numberText(used?.devices ?? 0)}</a>,
    <Time time={used?.lastUseTime} />,
    <Time time={createTime} />,
    <Time time={expiresAt} />,
    onRetire && state !== KeyState.RETIRED && (
      <button type="button" class="danger" onClick={onRetire}>
        Retire
      </button>
    ),
  ];
  return { key: keyId, cells };
}

interface Issued {
  readonly keyId: string;
  /** Empty for an imported key. */
  readonly secret: string;
  readonly warning: string;
}

interface IssueDialogProps {
  readonly customerId: string;
  readonly onIssued: (issued: Issued) => void;
  readonly onClose: () => void;
}

function IssueDialog({ customerId, onIssued, onClose }: IssueDialogProps) {
  const [purpose, setPurpose] = useState("login");
  const [isImported, setImported] = useState(false);
  const [importedKey, setImportedKey] = useState("");
  const [days, setDays] = useState("");

  async function issue(): Promise<void> {
    const { keyId, customerKey, warning } = await admin.issueCustomerKey({
      customerId,
      purpose: purpose === "derivation" ? KeyPurpose.DERIVATION : KeyPurpose.LOGIN,
      importedKey: isImported ? importedKey : "",
      ...(days !== "" && { expiresAt: timestampFromMs(Date.now() + Number(days) * 86_400_000) }),
    });
    onIssued({ keyId, secret: isImported ? "" : customerKey, warning });
  }

  return (
    <FormDialog title="Issue a key" submit={isImported ? "Import" : "Issue"} act={issue} onClose={onClose}>
      <SelectField label="Use" value={purpose} options={USES} onValue={setPurpose} />
      <CheckField label="Import a secret that devices have already" checked={isImported} onValue={setImported} />
      {isImported && (
        <TextField
          label="Secret"
          type="password"
          value={importedKey}
          onValue={setImportedKey}
          required
          maxLength={1024}
        />
      )}
      <TextField
        label="Expires in days"
        type="number"
        min={1}
        max={3650}
        hint="Empty: never"
        value={days}
        onValue={setDays}
      />
      <p class="quiet">
        Up to three live keys of each use overlap: devices with the older ones go on until you retire those.
      </p>
    </FormDialog>
  );
}

const USES = [
  ["login", "login: flashed into devices, signs their logins"],
  ["derivation", "derivation: stays with you, boards' own keys derive from it"],
] as const;

function IssuedDialog({ issued, onClose }: { readonly issued: Issued; readonly onClose: () => void }) {
  return (
    <Dialog title={`Key ${issued.keyId}`} onClose={onClose}>
      <div class="stack">
        {issued.warning !== "" && <Notice tone="warn">{issued.warning}</Notice>}
        {issued.secret === "" ? (
          <Notice tone="good">It is imported.</Notice>
        ) : (
          <Secret label="customer_key" secret={issued.secret} file={`${issued.keyId}.key.txt`} />
        )}
      </div>
    </Dialog>
  );
}

interface RetireDialogProps {
  readonly customerKey: CustomerKey;
  readonly onClose: () => void;
}

function RetireDialog({ customerKey: { keyId }, onClose }: RetireDialogProps) {
  const trial = useLoaded(() => admin.retireCustomerKey({ keyId, validateOnly: true }, COUNTING), [keyId]);
  const retire = async (): Promise<void> => {
    await admin.retireCustomerKey({ keyId }, COUNTING);
  };
  return (
    <FormDialog
      title={`Retire ${keyId}?`}
      submit="Retire"
      danger
      isReady={trial.value !== undefined}
      act={retire}
      onClose={onClose}
    >
      <FailureNotice failure={trial.failure} />
      {trial.value === undefined ? <p>Counting the devices that this stops…</p> : <Stopped trial={trial.value} />}
      <p class="quiet">A retired key does not come back. For a stolen key also revoke the customer's tokens.</p>
    </FormDialog>
  );
}

function Stopped({ trial }: { readonly trial: RetireCustomerKeyResponse }) {
  const { stoppedDevices, silentDevices, otherLiveKeys } = trial;
  return (
    <Notice tone={stoppedDevices > 0 ? "bad" : silentDevices > 0 ? "warn" : "good"}>
      <strong>
        {stoppedDevices === 0
          ? "It stops no device that was seen."
          : `It stops ${countText(stoppedDevices, "device")}.`}
      </strong>{" "}
      {silentDevices > 0 && `${countText(silentDevices, "device")} not seen yet may have it. `}
      {countText(otherLiveKeys, "other live key")} of this use.
    </Notice>
  );
}
