// The keys of a customer: progress of a rotation, issue, import, retire.

import type { VNode } from "preact";
import { useState } from "preact/hooks";
import {
  type CustomerKey,
  type CustomerKeyUsage,
  KeyPurpose,
  KeyPurposeSchema,
  KeyState,
  KeyStateSchema,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { CheckField, SelectField, TextField } from "./fields.tsx";
import { ActionButton, type FormValues } from "./form.tsx";
import { admin } from "./gateway.ts";
import { useLoaded } from "./loading.ts";
import { Badge, FailureNotice, Notice, Secret, Time } from "./parts.tsx";
import { addressOf } from "./router.ts";
import { ListTable, type Row } from "./table.tsx";
import { countText, enumText, inDays, numberText } from "./words.ts";

/** Counting a large fleet takes seconds. */
const COUNT_MS = 10_000;
const COUNTING = { timeoutMs: 60_000 };

export function CustomerKeyTable({ customerId }: { readonly customerId: string }): VNode {
  const keys = useLoaded(() => admin.listCustomerKeys({ customerId }), [customerId]);
  const usage = useLoaded(() => admin.getCustomerKeyUsage({ customerId }, COUNTING), [customerId], COUNT_MS);
  return (
    <section class="card stack">
      <div class="row between">
        <h2>Keys</h2>
        <IssueButton customerId={customerId} />
      </div>
      <FailureNotice failure={usage.failure} />
      {usage.value && <Rotation usage={usage.value} />}
      <ListTable
        label="Keys"
        empty="There is no key yet. Issue one: devices sign logins with it."
        head={["Key", "Use", "State", "Devices", "Last used", "Issued", "Expires", "Change"]}
        list={keys}
        rows={keys.value?.customerKeys.map((key) => rowOf(key, usage.value))}
      />
    </section>
  );
}

/** Shows how many devices use the newest login key, while several are live. */
function Rotation({ usage: { keys, silentDevices } }: { readonly usage: CustomerKeyUsage }) {
  const live = keys.filter(({ purpose, state }) => purpose === KeyPurpose.LOGIN && state === KeyState.LIVE);
  const [newest] = live;
  if (newest === undefined || live.length < 2) return null;
  const all = live.reduce((sum, { devices }) => sum + devices, 0) + silentDevices;
  return (
    <div class="stack">
      <p>
        <strong>Rotation:</strong> {numberText(newest.devices)} of {countText(all, "device")} logged in with the newest
        key, {numberText(silentDevices)} not at all yet.
      </p>
      <progress aria-label="Progress of the rotation" max={Math.max(1, all)} value={newest.devices} />
      {newest.devices === all && <Notice tone="good">Every device has the newest key. Retire the others.</Notice>}
    </div>
  );
}

function rowOf(key: CustomerKey, usage: CustomerKeyUsage | undefined): Row {
  const { keyId, purpose, state, createTime, expiresAt } = key;
  const used = usage?.keys.find((one) => one.keyId === keyId);
  const cells = [
    <code>{keyId}</code>,
    enumText(KeyPurposeSchema, purpose),
    <Badge state={enumText(KeyStateSchema, state)} />,
    <a href={addressOf(["devices"], { filter: `last_key_id = ${keyId}` })}>{numberText(used?.devices ?? 0)}</a>,
    <Time time={used?.lastUseTime} />,
    <Time time={createTime} />,
    <Time time={expiresAt} />,
    state !== KeyState.RETIRED && <RetireButton keyId={keyId} />,
  ];
  return { key: keyId, cells };
}

const USES = {
  login: "login: flashed into devices, signs their logins",
  derivation: "derivation: stays with you, each board's own key derives from it",
};

function IssueButton({ customerId }: { readonly customerId: string }) {
  const [isImported, setImported] = useState(false);

  async function issue({ use, importedKey = "", days = "" }: FormValues) {
    const { keyId, customerKey, warning } = await admin.issueCustomerKey({
      customerId,
      purpose: use === "derivation" ? KeyPurpose.DERIVATION : KeyPurpose.LOGIN,
      importedKey,
      ...(days !== "" && { expiresAt: inDays(days) }),
    });
    return (
      <>
        {warning !== "" && <Notice tone="warn">{warning}</Notice>}
        {importedKey === "" ? (
          <Secret label={`customer_key of ${keyId}`} secret={customerKey} file={`${keyId}.key.txt`} />
        ) : (
          <Notice tone="good">The secret is imported as {keyId}.</Notice>
        )}
      </>
    );
  }

  return (
    <ActionButton
      text="Issue a key"
      submit={isImported ? "Import" : "Issue"}
      isPrimary
      act={issue}
      onClose={() => setImported(false)}
    >
      <SelectField name="use" label="Use" defaultValue="login" options={USES} />
      <CheckField
        label="Import a secret that devices already have"
        onChange={({ currentTarget }) => setImported(currentTarget.checked)}
      />
      {isImported && <TextField name="importedKey" label="Secret" type="password" required maxLength={1024} />}
      <TextField name="days" label="Expires in days" type="number" min={1} max={3650} hint="Empty: never" />
      <p class="quiet">
        Up to three live keys of each use overlap: devices with an older key keep logging in until you retire it.
      </p>
    </ActionButton>
  );
}

function RetireButton({ keyId }: { readonly keyId: string }) {
  const [isCounted, setCounted] = useState(false);
  return (
    <ActionButton
      text="Retire"
      title={`Retire ${keyId}?`}
      danger
      isReady={isCounted}
      act={() => admin.retireCustomerKey({ keyId }, COUNTING)}
      onClose={() => setCounted(false)}
    >
      <Stopped keyId={keyId} onCounted={() => setCounted(true)} />
      <p class="quiet">A retired key does not come back. For a stolen key also revoke the customer's tokens.</p>
    </ActionButton>
  );
}

/** The devices that retiring a key stops. */
function Stopped({ keyId, onCounted }: { readonly keyId: string; readonly onCounted: () => void }) {
  const trial = useLoaded(async () => {
    const answer = await admin.retireCustomerKey({ keyId, validateOnly: true }, COUNTING);
    onCounted();
    return answer;
  }, [keyId]);
  if (trial.failure !== undefined) return <FailureNotice failure={trial.failure} />;
  if (trial.value === undefined) return <p>Counting the devices that this stops…</p>;
  const { stoppedDevices, silentDevices, otherLiveKeys } = trial.value;
  return (
    <Notice tone={stoppedDevices > 0 ? "bad" : silentDevices > 0 ? "warn" : "good"}>
      <strong>
        {stoppedDevices === 0
          ? "It stops no device that has logged in."
          : `It stops ${countText(stoppedDevices, "device")}.`}
      </strong>{" "}
      {silentDevices > 0 && `${countText(silentDevices, "device")} without a login may have it. `}
      {countText(otherLiveKeys, "other live key")} of this use.
    </Notice>
  );
}
