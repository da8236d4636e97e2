// The devices: search, filters, pages of a list of millions, and changes of many at once.

import { useEffect, useState } from "preact/hooks";
import type { Device } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { BulkBar } from "../bulk-bar.tsx";
import { type DeviceSearch, filterOf, readSearch } from "../device-filter.ts";
import { admin } from "../gateway.ts";
import { useLoaded } from "../loading.ts";
import {
  Badge,
  CheckField,
  FailureNotice,
  Page,
  Pager,
  type Row,
  SelectField,
  Table,
  TextField,
  Time,
} from "../parts.tsx";
import { addressOf, useSearchDraft } from "../router.ts";
import { countText, keyModeText, reasonText, statusWord, timeMs } from "../words.ts";

const PAGE_SIZE = 50;
/** Waited after a key before the list is searched, in milliseconds. */
const TYPING_MS = 150;

export function DevicesPage({ query }: { readonly query: URLSearchParams }) {
  const search = readSearch(query);
  const filter = filterOf(search);
  const [tokens, setTokens] = useState<readonly string[]>([""]);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => {
    setTokens([""]);
    setSelected(new Set());
  }, [filter]);
  const pageToken = tokens.at(-1) ?? "";
  const page = useLoaded(() => admin.listDevices({ pageSize: PAGE_SIZE, pageToken, filter }), [filter, pageToken]);
  const [round, setRound] = useState(0);
  const count = useCount(filter, round);
  const devices = page.value?.devices;
  const select = (deviceKey: string, isSelected: boolean): void => {
    const next = new Set(selected);
    if (isSelected) next.add(deviceKey);
    else next.delete(deviceKey);
    setSelected(next);
  };
  const changed = (): void => {
    page.reload();
    setSelected(new Set());
    setRound(round + 1);
  };
  return (
    <Page
      title="Devices"
      actions={
        <a class="button primary" href={addressOf(["enrol"])}>
          Enrol
        </a>
      }
    >
      <SearchForm search={search} />
      <div class="row between">
        <p class="quiet" aria-live="polite">
          {count.isDone ? countText(count.value, "device") : `${countText(count.value, "device")}, counting…`}
        </p>
        <BulkBar
          filter={filter}
          selected={[...selected]}
          count={count.isDone ? count.value : undefined}
          onChanged={changed}
        />
      </div>
      <FailureNotice failure={page.failure} />
      <Table
        label="Devices"
        empty="No device matches."
        head={[
          <input
            key="all"
            type="checkbox"
            aria-label="Select this page"
            checked={
              devices !== undefined && devices.length > 0 && devices.every(({ deviceKey }) => selected.has(deviceKey))
            }
            onChange={(event) =>
              setSelected(new Set(event.currentTarget.checked ? devices?.map(({ deviceKey }) => deviceKey) : []))
            }
          />,
          "Device",
          "Customer",
          "Status",
          "Key",
          "Last login",
          "Last failure",
        ]}
        rows={devices?.map((device) => rowOf(device, selected.has(device.deviceKey), select))}
      />
      <Pager tokens={tokens} nextPageToken={page.value?.nextPageToken ?? ""} onTokens={setTokens} />
    </Page>
  );
}

/** Counts what matches, page by page, so that a million devices hold up nothing. */
function useCount(filter: string, round: number): { readonly value: number; readonly isDone: boolean } {
  const [count, setCount] = useState({ value: 0, isDone: false });
  useEffect(() => {
    let isStale = false;
    async function add(): Promise<void> {
      let value = 0;
      let pageToken = "";
      do {
        const answer = await admin.countDevices({ filter, pageToken });
        if (isStale) return;
        value += answer.count;
        pageToken = answer.nextPageToken;
        setCount({ value, isDone: pageToken === "" });
      } while (pageToken !== "");
    }
    setCount({ value: 0, isDone: false });
    // The list tells of an error.
    const timer = setTimeout(() => void add().catch(() => {}), TYPING_MS);
    return () => {
      isStale = true;
      clearTimeout(timer);
    };
  }, [filter, round]);
  return count;
}

const UNSEEN = [
  ["", "any time"],
  ["1h", "not for an hour"],
  ["1d", "not for a day"],
  ["7d", "not for a week"],
  ["30d", "not for 30 days"],
  ["90d", "not for 90 days"],
] as const;

function SearchForm({ search }: { readonly search: DeviceSearch }) {
  const [draft, set] = useSearchDraft(["devices"], search, TYPING_MS);
  return (
    <search class="card search">
      <TextField label="Device begins with" value={draft.prefix} onValue={(prefix) => set({ prefix })} />
      <TextField label="Customer" value={draft.customer} onValue={(customer) => set({ customer })} />
      <SelectField
        label="Status"
        value={draft.status}
        options={[
          ["", "any"],
          ["enabled", "enabled"],
          ["disabled", "disabled"],
        ]}
        onValue={(status) => set({ status })}
      />
      <SelectField label="Seen" value={draft.unseen} options={UNSEEN} onValue={(unseen) => set({ unseen })} />
      <TextField label="Label" placeholder="site=north" value={draft.label} onValue={(label) => set({ label })} />
      <CheckField
        label="Failing"
        checked={draft.failing !== ""}
        onValue={(failing) => set({ failing: failing ? "true" : "" })}
      />
      <details open={search.filter !== ""}>
        <summary>Filter by words</summary>
        <TextField
          label="Filter"
          placeholder='last_failure_reason = clock_skew AND labels.site = "north"'
          value={draft.filter}
          onValue={(filter) => set({ filter })}
        />
      </details>
    </search>
  );
}

function rowOf(device: Device, isSelected: boolean, onSelect: (deviceKey: string, isSelected: boolean) => void): Row {
  const { deviceKey, customerId, displayName, status, keyMode, lastLoginTime, lastFailureTime, lastFailureReason } =
    device;
  const isFailing = (timeMs(lastFailureTime) ?? 0) > (timeMs(lastLoginTime) ?? 0);
  const cells = [
    <input
      type="checkbox"
      aria-label={`Select ${deviceKey}`}
      checked={isSelected}
      onChange={(event) => onSelect(deviceKey, event.currentTarget.checked)}
    />,
    <>
      <a href={addressOf(["devices", deviceKey])}>
        <code>{deviceKey}</code>
      </a>
      {displayName !== "" && <small class="quiet block">{displayName}</small>}
    </>,
    <a href={addressOf(["customers", customerId])}>{customerId}</a>,
    <Badge word={statusWord(status)} />,
    keyModeText(keyMode),
    <Time time={lastLoginTime} />,
    lastFailureTime === undefined ? (
      <span class="quiet">none</span>
    ) : (
      <span class={isFailing ? "bad-text" : "quiet"}>
        {reasonText(lastFailureReason)} <Time time={lastFailureTime} />
      </span>
    ),
  ];
  return { key: deviceKey, isSelected, cells };
}
