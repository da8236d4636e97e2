// A device in words, for the list and for its own page.

import type { VNode } from "preact";
import { type Device, Status, StatusSchema } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { labelsText } from "../cli/device-file/row.ts";
import { keyText } from "./device-fields.tsx";
import { Badge, Facts, Notice, PageLink, Time } from "./parts.tsx";
import { enumText, reasonText, timeMs } from "./words.ts";

function isFailing({ lastLoginTime, lastFailureTime }: Device): boolean {
  return (timeMs(lastFailureTime) ?? 0) > (timeMs(lastLoginTime) ?? 0);
}

/** The last failure, in red while no login came after it. */
export function LastFailure({ device }: { readonly device: Device }): VNode {
  if (device.lastFailureTime === undefined) return <span class="quiet">none</span>;
  return (
    <span class={isFailing(device) ? "bad-text" : "quiet"}>
      {reasonText(device.lastFailureReason)}, <Time time={device.lastFailureTime} />
    </span>
  );
}

/** The state of a device in one sentence. */
export function DeviceHealth({ device }: { readonly device: Device }): VNode {
  const { status, lastLoginTime, lastFailureTime, lastFailureReason } = device;
  if (status === Status.DISABLED) return <Notice tone="warn">This device is disabled: its logins are refused.</Notice>;
  const lastLogin = lastLoginTime && (
    <>
      It last logged in <Time time={lastLoginTime} />.
    </>
  );
  if (isFailing(device)) {
    return (
      <Notice tone="bad">
        Its last login failed <Time time={lastFailureTime} />: {reasonText(lastFailureReason)}.{" "}
        {lastLogin ?? "It has never logged in."} Paste what the board sent into Explain below to find the mistake.
        Anyone can cause failures under this name.
      </Notice>
    );
  }
  return <Notice tone={lastLogin ? "good" : "quiet"}>{lastLogin ?? "It has not logged in yet."}</Notice>;
}

export function DeviceFacts({ device }: { readonly device: Device }): VNode {
  return (
    <Facts
      facts={[
        ["Customer", <PageLink key="c" to={["customers", device.customerId]} />],
        ["Name", device.displayName],
        ["Status", <Badge key="s" state={enumText(StatusSchema, device.status)} />],
        ["Key", keyText(device)],
        ["Public key", device.publicKey && <code key="p">{device.publicKey}</code>],
        ["Shared identity", device.sharedIdentity ? "yes: a fleet logs in with this name" : "no"],
        ["Replay guard", device.replayGuard ? "on: a signed login is accepted once" : "off"],
        ["Labels", labelsText(device.labels).replaceAll(";", ", ")],
        ["Last login", <Time key="l" time={device.lastLoginTime} />],
        ["Proved by key", device.lastKeyId && <code key="k">{device.lastKeyId}</code>],
        ["Last failure", <LastFailure key="f" device={device} />],
        ["Tokens revoked", <Time key="t" time={device.tokensNotBefore} />],
        ["Enrolled", <Time key="e" time={device.createTime} />],
        ["Changed", <Time key="u" time={device.updateTime} />],
      ]}
    />
  );
}
