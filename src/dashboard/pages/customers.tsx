// The customers: a list, and new ones.

import { useState } from "preact/hooks";
import type { Customer } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { admin } from "../gateway.ts";
import { useLoaded, useSession } from "../loading.ts";
import { Badge, FailureNotice, FormDialog, Page, Pager, type Row, Table, TextField, Time } from "../parts.tsx";
import { addressOf, goTo } from "../router.ts";
import { statusWord } from "../words.ts";

export function CustomersPage() {
  const { isAdmin } = useSession();
  const [tokens, setTokens] = useState<readonly string[]>([""]);
  const [isCreating, setCreating] = useState(false);
  const pageToken = tokens.at(-1) ?? "";
  const page = useLoaded(() => admin.listCustomers({ pageSize: 50, pageToken }), [pageToken]);
  return (
    <Page
      title="Customers"
      actions={
        isAdmin && (
          <button type="button" class="primary" onClick={() => setCreating(true)}>
            New customer
          </button>
        )
      }
    >
      <FailureNotice failure={page.failure} />
      <Table
        label="Customers"
        empty="There is no customer yet."
        head={["Customer", "Name", "Status", "Login limit", "Created"]}
        rows={page.value?.customers.map(rowOf)}
      />
      <Pager tokens={tokens} nextPageToken={page.value?.nextPageToken ?? ""} onTokens={setTokens} />
      {isCreating && <CreateDialog onClose={() => setCreating(false)} />}
    </Page>
  );
}

function rowOf({ customerId, displayName, status, loginLimit, createTime }: Customer): Row {
  const cells = [
    <a href={addressOf(["customers", customerId])}>
      <code>{customerId}</code>
    </a>,
    displayName,
    <Badge word={statusWord(status)} />,
    loginLimit === "" ? <span class="quiet">the gateway's</span> : loginLimit,
    <Time time={createTime} />,
  ];
  return { key: customerId, cells };
}

function CreateDialog({ onClose }: { readonly onClose: () => void }) {
  const [name, setName] = useState("");
  const [customerId, setCustomerId] = useState("");
  const create = async (): Promise<void> => {
    const created = await admin.createCustomer({ customerId, customer: { displayName: name } });
    goTo(["customers", created.customerId]);
  };
  return (
    <FormDialog title="New customer" submit="Create" act={create} onClose={onClose}>
      <TextField label="Name" value={name} onValue={setName} required maxLength={200} />
      <TextField
        label="Id"
        hint="In tokens: 1 to 16 small letters, digits and hyphens. Empty: the gateway makes one."
        value={customerId}
        onValue={setCustomerId}
        maxLength={16}
      />
    </FormDialog>
  );
}
