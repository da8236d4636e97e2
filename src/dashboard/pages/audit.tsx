// The audit log: filters, and everything that was done to one subject.

import { AuditTable } from "../audit-table.tsx";
import { quote } from "../device-filter.ts";
import { Page, SelectField, TextField } from "../parts.tsx";
import { addressOf, useSearchDraft } from "../router.ts";

const FIELDS = ["resource", "action", "operator", "customer_id"] as const;
type Search = Readonly<Record<(typeof FIELDS)[number] | "since", string>>;

const TYPING_MS = 200;
const SINCE = [
  ["", "any time"],
  ["1h", "the last hour"],
  ["1d", "the last day"],
  ["7d", "the last week"],
  ["30d", "the last 30 days"],
] as const;

export function AuditPage({ query }: { readonly query: URLSearchParams }) {
  const of = (name: string): string => query.get(name) ?? "";
  const search: Search = {
    resource: of("resource"),
    action: of("action"),
    operator: of("operator"),
    customer_id: of("customer_id"),
    since: of("since"),
  };
  const filter = [
    ...FIELDS.flatMap((name) => (search[name] === "" ? [] : [`${name} = ${quote(search[name])}`])),
    ...(search.since === "" ? [] : [`time > -${search.since}`]),
  ].join(" AND ");
  return (
    <Page title="Audit" {...(search.resource !== "" && { back: { href: addressOf(["audit"]), text: "All changes" } })}>
      <SearchForm search={search} />
      <AuditTable filter={filter} pageSize={50} />
    </Page>
  );
}

function SearchForm({ search }: { readonly search: Search }) {
  const [draft, set] = useSearchDraft(["audit"], search, TYPING_MS);
  return (
    <search class="card search">
      <TextField
        label="To"
        placeholder="devices/pump-7"
        value={draft.resource}
        onValue={(resource) => set({ resource })}
      />
      <TextField label="Did" placeholder="UpdateDevice" value={draft.action} onValue={(action) => set({ action })} />
      <TextField label="Who" placeholder="ada" value={draft.operator} onValue={(operator) => set({ operator })} />
      <TextField label="Customer" value={draft.customer_id} onValue={(customer_id) => set({ customer_id })} />
      <SelectField label="Since" value={draft.since} options={SINCE} onValue={(since) => set({ since })} />
    </search>
  );
}
