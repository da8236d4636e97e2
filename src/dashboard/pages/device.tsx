// A device's page: state, login limit, audit events, and explain.

import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { type Device, type DeviceLimit, KeyMode } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuditList } from "../audit-list.tsx";
import { DeviceFacts, DeviceHealth } from "../device-facts.tsx";
import { DeviceFields, readDeviceFields } from "../device-fields.tsx";
import { quote } from "../device-filter.ts";
import { Explain } from "../explain.tsx";
import { CheckField, TextField } from "../fields.tsx";
import { ActionButton, type FormValues, StateButtons } from "../form.tsx";
import { admin } from "../gateway.ts";
import { useLoaded } from "../loading.ts";
import { FailureNotice, Page, Secret } from "../parts.tsx";
import { addressOf } from "../router.ts";

const POLL_MS = 5_000;

export function DevicePage({ deviceKey }: { readonly deviceKey: string }): VNode {
  const { value: device, failure } = useLoaded(() => admin.getDevice({ deviceKey }), [deviceKey], POLL_MS);
  return (
    <Page
      title={deviceKey}
      back={{ href: addressOf(["devices"]), text: "Devices" }}
      actions={device && <Changes device={device} />}
    >
      <FailureNotice failure={failure} />
      {device && (
        <>
          <DeviceHealth device={device} />
          <div class="columns">
            <section class="card wide">
              <h2>Device</h2>
              <DeviceFacts device={device} />
            </section>
            <Limit device={device} />
          </div>
          <Explain deviceKey={deviceKey} />
          <section class="card">
            <h2>Changes</h2>
            <AuditList key={device.etag} filter={`resource = ${quote(`devices/${deviceKey}`)}`} pageSize={10} />
          </section>
        </>
      )}
    </Page>
  );
}

function Limit({ device: { deviceKey, sharedIdentity } }: { readonly device: Device }) {
  const [address, setAddress] = useState("");
  const limit = useLoaded(() => admin.getDeviceLimit({ deviceKey, address }), [deviceKey, address], POLL_MS);
  return (
    <section class="card stack">
      <h2>Login limit</h2>
      <FailureNotice failure={limit.failure} />
      {limit.value && <LimitState {...limit.value} />}
      {sharedIdentity && (
        <TextField
          label="Counted per address"
          placeholder="192.0.2.1"
          onInput={({ currentTarget }) => setAddress(currentTarget.value)}
        />
      )}
    </section>
  );
}

function LimitState({ limit, remaining, resetTime }: DeviceLimit) {
  if (limit === "off") return <p>Off.</p>;
  const most = Number(limit.split("/")[0]);
  return (
    <>
      <p>
        <span class="figure">{remaining}</span> of {limit.replace("/", " in ")} left
      </p>
      <meter aria-label="Logins left" min={0} max={most} value={remaining} low={1} optimum={most} />
      {resetTime !== undefined && (
        <p class="quiet">The next is freed at {new Date(timestampMs(resetTime)).toLocaleTimeString("en")}.</p>
      )}
    </>
  );
}

function Changes({ device }: { readonly device: Device }) {
  const { deviceKey, keyMode, publicKey, acceptsSharedKey, status } = device;
  const update = (change: Pick<Partial<Device>, "status" | "acceptsSharedKey">, ...paths: string[]) =>
    admin.updateDevice({ device: { deviceKey, ...change }, updateMask: { paths } });
  return (
    <>
      <EditButton device={device} />
      {keyMode === KeyMode.DERIVED && publicKey === "" && (
        <ActionButton
          text="Show its key"
          title={`Show the key of ${deviceKey}?`}
          act={async () => {
            const { customerKey } = await admin.deriveDeviceKey({ deviceKey });
            const file = `${deviceKey}.key.txt`;
            return <Secret label="customer_key of this board" secret={customerKey} file={file} note="" />;
          }}
        >
          The audit log records that you have seen it.
        </ActionButton>
      )}
      {acceptsSharedKey && (
        <ActionButton
          text="Finish move"
          title="Refuse the shared key from now on?"
          act={() => update({ acceptsSharedKey: false }, "accepts_shared_key")}
        >
          The board logs in by its own key alone.
        </ActionButton>
      )}
      <StateButtons
        name={deviceKey}
        list="devices"
        status={status}
        warnings={{
          disable: "Its logins are refused from now on, and its tokens are revoked.",
          revoke: "It has to log in again.",
          delete: "It is deleted for good.",
        }}
        setStatus={(next) => update({ status: next }, "status")}
        revokeTokens={() => admin.revokeDeviceTokens({ deviceKey })}
        remove={() => admin.deleteDevice({ deviceKey })}
      />
    </>
  );
}

function EditButton({ device }: { readonly device: Device }) {
  const { deviceKey, etag } = device;

  async function save(values: FormValues): Promise<void> {
    const fields = readDeviceFields(values);
    const next = {
      ...fields,
      replayGuard: values["replayGuard"] !== undefined,
      sharedIdentity: values["sharedIdentity"] !== undefined,
    };
    const paths = ["display_name", "labels", "shared_identity"];
    // A device with a key pair keeps its key mode. The replay guard follows the keys unless it is changed too.
    if (fields.publicKey === "" && fields.keyMode !== device.keyMode) paths.push("key_mode");
    if (fields.publicKey !== device.publicKey) paths.push("public_key");
    if (next.replayGuard !== (device.replayGuard ?? false)) paths.push("replay_guard");
    await admin.updateDevice({ device: { deviceKey, etag, ...next }, updateMask: { paths } });
  }

  return (
    <ActionButton text="Edit" title={`Edit ${deviceKey}`} submit="Save" act={save}>
      <DeviceFields device={device} />
      <CheckField
        name="replayGuard"
        label="Replay guard: a signed login is accepted once"
        defaultChecked={device.replayGuard ?? false}
      />
      <CheckField
        name="sharedIdentity"
        label="Shared identity: a fleet logs in with this name"
        defaultChecked={device.sharedIdentity}
      />
    </ActionButton>
  );
}
