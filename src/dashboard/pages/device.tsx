// A device: all that is known of it, its limit, its changes, and why a login of it fails.

import { useState } from "preact/hooks";
import { type Device, KeyMode, Status } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuditTable } from "../audit-table.tsx";
import { quote } from "../device-filter.ts";
import { Explain } from "../explain.tsx";
import { admin } from "../gateway.ts";
import { useLoaded, useSession } from "../loading.ts";
import {
  ActionButton,
  Badge,
  CheckField,
  Dialog,
  Facts,
  FailureNotice,
  FormDialog,
  Notice,
  Page,
  Secret,
  SelectField,
  TextField,
  Time,
} from "../parts.tsx";
import { addressOf, goTo } from "../router.ts";
import { keyModeText, reasonText, statusWord, timeMs } from "../words.ts";

const POLL_MS = 5_000;

export function DevicePage({ deviceKey }: { readonly deviceKey: string }) {
  const loaded = useLoaded(() => admin.getDevice({ deviceKey }), [deviceKey], POLL_MS);
  const device = loaded.value;
  return (
    <Page
      title={deviceKey}
      back={{ href: addressOf(["devices"]), text: "Devices" }}
      actions={device && <Changes device={device} onChanged={loaded.reload} />}
    >
      <FailureNotice failure={loaded.failure} />
      {device && (
        <>
          <Health device={device} />
          <div class="columns">
            <section class="card wide">
              <h2>Device</h2>
              <Known device={device} />
            </section>
            <Limit device={device} />
          </div>
          <Explain deviceKey={deviceKey} />
          <section class="card">
            <h2>Changes</h2>
            <AuditTable key={device.etag} filter={`resource = ${quote(`devices/${deviceKey}`)}`} pageSize={10} />
          </section>
        </>
      )}
    </Page>
  );
}

/** The state of a device in one sentence. */
function Health({ device }: { readonly device: Device }) {
  const { status, lastLoginTime, lastFailureTime, lastFailureReason } = device;
  if (status === Status.DISABLED) return <Notice tone="warn">It is disabled: its logins are refused.</Notice>;
  const [login, failure] = [timeMs(lastLoginTime), timeMs(lastFailureTime)];
  if ((failure ?? 0) > (login ?? 0)) {
    return (
      <Notice tone="bad">
        Its last login failed <Time time={lastFailureTime} />: {reasonText(lastFailureReason)}.{" "}
        {login === undefined ? (
          "It has never logged in."
        ) : (
          <>
            It last logged in <Time time={lastLoginTime} />.
          </>
        )}{" "}
        Explain, below, tells why from what the board sent. Anyone can send a login in its name.
      </Notice>
    );
  }
  if (login === undefined) return <Notice tone="quiet">It has not logged in yet.</Notice>;
  return (
    <Notice tone="good">
      It logged in <Time time={lastLoginTime} />.
    </Notice>
  );
}

function Known({ device }: { readonly device: Device }) {
  const labels = Object.entries(device.labels);
  const none = <span class="quiet">none</span>;
  return (
    <Facts
      facts={[
        [
          "Customer",
          <a key="c" href={addressOf(["customers", device.customerId])}>
            {device.customerId}
          </a>,
        ],
        ["Name", device.displayName === "" ? none : device.displayName],
        ["Status", <Badge key="s" word={statusWord(device.status)} />],
        [
          "Key",
          device.acceptsSharedKey
            ? "moving from the shared key to one of its own: both are accepted"
            : device.keyMode === KeyMode.DERIVED
              ? "its own, derived"
              : "the customer's, shared",
        ],
        ["Shared identity", device.sharedIdentity ? "yes: a fleet logs in by this name" : "no"],
        ["Replay guard", device.replayGuard ? "on: a signed login is good once" : "off"],
        ["Labels", labels.length === 0 ? none : labels.map(([name, value]) => `${name}=${value}`).join(", ")],
        ["Last login", <Time key="l" time={device.lastLoginTime} />],
        ["Proved by key", device.lastKeyId === "" ? none : <code key="k">{device.lastKeyId}</code>],
        [
          "Last failure",
          device.lastFailureTime === undefined ? (
            none
          ) : (
            <span key="f">
              {reasonText(device.lastFailureReason)} <Time time={device.lastFailureTime} />
            </span>
          ),
        ],
        ["Tokens revoked", <Time key="t" time={device.tokensNotBefore} />],
        ["Enrolled", <Time key="e" time={device.createTime} />],
        ["Changed", <Time key="u" time={device.updateTime} />],
      ]}
    />
  );
}

function Limit({ device: { deviceKey, sharedIdentity } }: { readonly device: Device }) {
  const [address, setAddress] = useState("");
  const { value, failure } = useLoaded(
    () => admin.getDeviceLimit({ deviceKey, address }),
    [deviceKey, address],
    POLL_MS,
  );
  return (
    <section class="card">
      <h2>Login limit</h2>
      <FailureNotice failure={failure} />
      {value !== undefined &&
        (value.limit === "off" ? (
          <p>Off.</p>
        ) : (
          <>
            <p>
              <span class="figure">{value.remaining}</span> of {value.limit.replace("/", " in ")} left
            </p>
            <meter
              aria-label="Logins left"
              min={0}
              max={Number(value.limit.split("/")[0])}
              value={value.remaining}
              low={1}
              optimum={Number(value.limit.split("/")[0])}
            />
            {value.resetTime !== undefined && (
              <p class="quiet">
                The next is freed at {new Date(timeMs(value.resetTime) ?? 0).toLocaleTimeString("en")}.
              </p>
            )}
          </>
        ))}
      {sharedIdentity && (
        <TextField label="Counted per address" placeholder="192.0.2.1" value={address} onValue={setAddress} />
      )}
    </section>
  );
}

interface ChangesProps {
  readonly device: Device;
  readonly onChanged: () => void;
}

function Changes({ device, onChanged }: ChangesProps) {
  const { deviceKey, status, keyMode, acceptsSharedKey } = device;
  const [isEditing, setEditing] = useState(false);
  const [secret, setSecret] = useState<string>();
  const { isAdmin } = useSession();
  const setStatus = async (next: Status): Promise<void> => {
    await admin.updateDevice({ device: { deviceKey, status: next }, updateMask: { paths: ["status"] } });
    onChanged();
  };
  return (
    <>
      {status === Status.DISABLED ? (
        <ActionButton text="Enable" primary act={() => setStatus(Status.ENABLED)} />
      ) : (
        <ActionButton
          text="Disable"
          danger
          question={{
            title: `Disable ${deviceKey}?`,
            body: "Its logins are refused from now on, and its tokens are revoked.",
          }}
          act={() => setStatus(Status.DISABLED)}
        />
      )}
      {isAdmin && (
        <button type="button" onClick={() => setEditing(true)}>
          Edit
        </button>
      )}
      <ActionButton
        text="Revoke tokens"
        question={{
          title: `Revoke the tokens of ${deviceKey}?`,
          body: "It has to log in again. Services that check tokens by themselves accept them until they expire.",
        }}
        act={async () => {
          await admin.revokeDeviceTokens({ deviceKey });
          onChanged();
        }}
      />
      {keyMode === KeyMode.DERIVED && (
        <ActionButton
          text="Show its key"
          question={{ title: `Show the key of ${deviceKey}?`, body: "The audit log records that you have seen it." }}
          act={async () => setSecret((await admin.deriveDeviceKey({ deviceKey })).customerKey)}
        />
      )}
      {acceptsSharedKey && (
        <ActionButton
          text="Finish move"
          question={{ title: "Refuse the shared key from now on?", body: "The board logs in by its own key alone." }}
          act={async () => {
            const change = { deviceKey, acceptsSharedKey: false };
            await admin.updateDevice({ device: change, updateMask: { paths: ["accepts_shared_key"] } });
            onChanged();
          }}
        />
      )}
      <ActionButton
        text="Delete"
        danger
        question={{ title: `Delete ${deviceKey}?`, body: "It is gone, and cannot be brought back." }}
        act={async () => {
          await admin.deleteDevice({ deviceKey });
          goTo(["devices"]);
        }}
      />
      {isEditing && (
        <EditDialog
          device={device}
          onClose={() => {
            setEditing(false);
            onChanged();
          }}
        />
      )}
      {secret !== undefined && (
        <Dialog title={`The key of ${deviceKey}`} onClose={() => setSecret(undefined)}>
          <Secret label="customer_key, to be flashed into this board" secret={secret} file={`${deviceKey}.key.txt`} />
        </Dialog>
      )}
    </>
  );
}

function EditDialog({ device, onClose }: { readonly device: Device; readonly onClose: () => void }) {
  const [name, setName] = useState(device.displayName);
  const [labels, setLabels] = useState(
    Object.entries(device.labels)
      .map(([label, value]) => `${label}=${value}`)
      .join(";"),
  );
  const [keyMode, setKeyMode] = useState(keyModeText(device.keyMode));
  const [replayGuard, setReplayGuard] = useState(device.replayGuard ?? false);
  const [sharedIdentity, setSharedIdentity] = useState(device.sharedIdentity);

  async function save(): Promise<void> {
    const pairs = labels.split(";").filter((pair) => pair.trim() !== "");
    const next = {
      display_name: { displayName: name },
      labels: { labels: Object.fromEntries(pairs.map((pair) => splitPair(pair))) },
      key_mode: { keyMode: keyMode === "derived" ? KeyMode.DERIVED : KeyMode.SHARED },
      replay_guard: { replayGuard },
      shared_identity: { sharedIdentity },
    };
    const isMoved = keyMode !== keyModeText(device.keyMode);
    const isGuarded = replayGuard !== (device.replayGuard ?? false);
    // The replay guard follows the keys unless it is changed, too.
    const paths = [
      "display_name",
      "labels",
      "shared_identity",
      ...(isMoved ? ["key_mode"] : []),
      ...(isGuarded ? ["replay_guard"] : []),
    ];
    const change = { deviceKey: device.deviceKey, etag: device.etag, ...Object.assign({}, ...Object.values(next)) };
    await admin.updateDevice({ device: change, updateMask: { paths } });
  }

  return (
    <FormDialog title={`Edit ${device.deviceKey}`} submit="Save" act={save} onClose={onClose}>
      <TextField label="Name" value={name} onValue={setName} maxLength={200} />
      <TextField label="Labels" hint="As in site=north;line=7" value={labels} onValue={setLabels} />
      <SelectField
        label="Key"
        value={keyMode}
        options={[
          ["shared", "the customer's, shared"],
          ["derived", "its own, derived"],
        ]}
        onValue={setKeyMode}
      />
      {keyMode === "derived" && device.keyMode !== KeyMode.DERIVED && (
        <Notice tone="quiet">Both keys are accepted until it has logged in by its own.</Notice>
      )}
      <CheckField label="Replay guard: a signed login is good once" checked={replayGuard} onValue={setReplayGuard} />
      <CheckField
        label="Shared identity: a fleet logs in by this name"
        checked={sharedIdentity}
        onValue={setSharedIdentity}
      />
    </FormDialog>
  );
}

function splitPair(pair: string): readonly [name: string, value: string] {
  const at = pair.indexOf("=");
  return at === -1 ? [pair.trim(), ""] : [pair.slice(0, at).trim(), pair.slice(at + 1)];
}
