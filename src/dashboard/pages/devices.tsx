// The devices page: search, filters, a paged list, and bulk changes.

import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type Device, StatusSchema } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { BulkBar } from "../bulk-bar.tsx";
import { LastFailure } from "../device-facts.tsx";
import { keyText } from "../device-fields.tsx";
import { filterOf } from "../device-filter.ts";
import { CheckField, SelectField, TextField } from "../fields.tsx";
import { admin } from "../gateway.ts";
import { useLoaded, usePages, useSession } from "../loading.ts";
import { Badge, Page, PageLink, Time } from "../parts.tsx";
import { addressOf } from "../router.ts";
import { SearchForm } from "../search-form.tsx";
import { ListTable, type Row } from "../table.tsx";
import { countText, enumText } from "../words.ts";

const PAGE_SIZE = 50;

export function DevicesPage({ query }: { readonly query: URLSearchParams }): VNode {
  const filter = filterOf(query);
  const { isAdmin } = useSession();
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => setSelected(new Set()), [filter]);
  const pages = usePages((pageToken) => admin.listDevices({ pageSize: PAGE_SIZE, pageToken, filter }), filter);
  const count = useCount(filter);
  const keys = pages.value?.devices.map(({ deviceKey }) => deviceKey) ?? [];
  const select = (deviceKey: string, isSelected: boolean): void => {
    const others = [...selected].filter((key) => key !== deviceKey);
    setSelected(new Set(isSelected ? [...others, deviceKey] : others));
  };
  const selectAll = (
    <input
      type="checkbox"
      aria-label="Select this page"
      checked={keys.length > 0 && keys.every((key) => selected.has(key))}
      onChange={({ currentTarget }) => setSelected(new Set(currentTarget.checked ? keys : []))}
    />
  );
  const enrol = isAdmin && (
    <a class="button primary" href={addressOf(["enrol"])}>
      Enrol
    </a>
  );
  return (
    <Page title="Devices" actions={enrol}>
      <DeviceSearch query={query} />
      <div class="row between">
        <p class="quiet" aria-live="polite">
          {countText(count.value, "device")}
          {!count.isDone && ", counting…"}
        </p>
        <BulkBar
          filter={filter}
          selected={[...selected]}
          size={selected.size || (count.isDone ? count.value : undefined)}
          onChanged={() => setSelected(new Set())}
        />
      </div>
      <ListTable
        label="Devices"
        empty="No device matches."
        head={[selectAll, "Device", "Customer", "Status", "Key", "Last login", "Last failure"]}
        list={pages}
        rows={pages.value?.devices.map((device) => rowOf(device, selected.has(device.deviceKey), select))}
      />
    </Page>
  );
}

/** Counts the devices that match, page by page: a million devices take several calls. */
function useCount(filter: string): { readonly value: number; readonly isDone: boolean } {
  const [count, setCount] = useState({ filter, value: 0, isDone: false });
  useLoaded(
    async (signal) => {
      let [value, pageToken] = [0, ""];
      do {
        const answer = await admin.countDevices({ filter, pageToken }, { signal });
        value += answer.count;
        pageToken = answer.nextPageToken;
        setCount({ filter, value, isDone: pageToken === "" });
      } while (pageToken !== "");
    },
    [filter],
  );
  return count.filter === filter ? count : { value: 0, isDone: false };
}

const STATUSES = { "": "any", enabled: "enabled", disabled: "disabled" };

const UNSEEN = {
  "": "any time",
  "1h": "not for an hour",
  "1d": "not for a day",
  "7d": "not for a week",
  "30d": "not for 30 days",
  "90d": "not for 90 days",
};

function DeviceSearch({ query }: { readonly query: URLSearchParams }) {
  const of = (name: string): string => query.get(name) ?? "";
  return (
    <SearchForm path={["devices"]} query={query}>
      <TextField name="prefix" label="Device begins with" defaultValue={of("prefix")} />
      <TextField name="customer" label="Customer" defaultValue={of("customer")} />
      <SelectField name="status" label="Status" defaultValue={of("status")} options={STATUSES} />
      <SelectField name="unseen" label="Seen" defaultValue={of("unseen")} options={UNSEEN} />
      <TextField name="label" label="Label" placeholder="site=north" defaultValue={of("label")} />
      <TextField
        name="filter"
        label="Filter"
        placeholder="last_failure_reason = clock_skew"
        defaultValue={of("filter")}
      />
      <CheckField name="failing" label="Failing" value="true" defaultChecked={of("failing") !== ""} />
    </SearchForm>
  );
}

function rowOf(device: Device, isSelected: boolean, onSelect: (deviceKey: string, isSelected: boolean) => void): Row {
  const { deviceKey, customerId, displayName, status, lastLoginTime } = device;
  const cells = [
    <input
      type="checkbox"
      aria-label={`Select ${deviceKey}`}
      checked={isSelected}
      onChange={({ currentTarget }) => onSelect(deviceKey, currentTarget.checked)}
    />,
    <>
      <PageLink to={["devices", deviceKey]} />
      {displayName !== "" && <small class="quiet block">{displayName}</small>}
    </>,
    <PageLink to={["customers", customerId]} />,
    <Badge state={enumText(StatusSchema, status)} />,
    keyText(device),
    <Time time={lastLoginTime} />,
    <LastFailure device={device} />,
  ];
  return { key: deviceKey, isSelected, cells };
}
