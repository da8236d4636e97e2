// The page of the audit log, with filters.

import type { VNode } from "preact";
import { AuditList } from "../audit-list.tsx";
import { quote } from "../device-filter.ts";
import { SelectField, TextField } from "../fields.tsx";
import { Page } from "../parts.tsx";
import { addressOf } from "../router.ts";
import { SearchForm } from "../search-form.tsx";

const SINCE = {
  "": "any time",
  "1h": "the last hour",
  "1d": "the last day",
  "7d": "the last week",
  "30d": "the last 30 days",
};

export function AuditPage({ query }: { readonly query: URLSearchParams }): VNode {
  const of = (name: string): string => query.get(name) ?? "";
  const fields = ["resource", "action", "operator", "customer_id"].filter((name) => of(name) !== "");
  const conditions = fields.map((name) => `${name} = ${quote(of(name))}`);
  const filter = [...conditions, ...(of("since") === "" ? [] : [`time > -${of("since")}`])].join(" AND ");
  const back = of("resource") !== "" && { back: { href: addressOf(["audit"]), text: "All changes" } };
  return (
    <Page title="Audit" {...back}>
      <SearchForm path={["audit"]} query={query}>
        <TextField name="resource" label="To" placeholder="devices/pump-7" defaultValue={of("resource")} />
        <TextField name="action" label="Did" placeholder="UpdateDevice" defaultValue={of("action")} />
        <TextField name="operator" label="Who" placeholder="ada" defaultValue={of("operator")} />
        <TextField name="customer_id" label="Customer" defaultValue={of("customer_id")} />
        <SelectField name="since" label="Since" defaultValue={of("since")} options={SINCE} />
      </SearchForm>
      <AuditList filter={filter} pageSize={50} />
    </Page>
  );
}
