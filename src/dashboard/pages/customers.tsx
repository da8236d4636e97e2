// The customers.

import type { VNode } from "preact";
import { type Customer, StatusSchema } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { admin } from "../gateway.ts";
import { usePages } from "../loading.ts";
import { NewCustomer } from "../new-customer.tsx";
import { Badge, Page, PageLink, Time } from "../parts.tsx";
import { goTo } from "../router.ts";
import { ListTable, type Row } from "../table.tsx";
import { enumText } from "../words.ts";

export function CustomersPage(): VNode {
  const pages = usePages((pageToken) => admin.listCustomers({ pageSize: 50, pageToken }));
  return (
    <Page title="Customers" actions={<NewCustomer isPrimary onCreated={(id) => goTo(["customers", id])} />}>
      <ListTable
        label="Customers"
        empty="There is no customer yet."
        head={["Customer", "Name", "Status", "Login limit", "Created"]}
        list={pages}
        rows={pages.value?.customers.map(rowOf)}
      />
    </Page>
  );
}

function rowOf({ customerId, displayName, status, loginLimit, createTime }: Customer): Row {
  const cells = [
    <PageLink to={["customers", customerId]} />,
    displayName,
    <Badge state={enumText(StatusSchema, status)} />,
    loginLimit === "" ? <span class="quiet">the gateway's</span> : loginLimit,
    <Time time={createTime} />,
  ];
  return { key: customerId, cells };
}
