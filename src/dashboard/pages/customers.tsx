// The customers: a list, and new ones.

import { useState } from "preact/hooks";
import { admin } from "../gateway.ts";
import { useLoaded, useSession } from "../loading.ts";
import { Badge, FailureNotice, FormDialog, Page, Pager, Table, TextField, Time } from "../parts.tsx";
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
        count={page.value?.customers.length}
        empty="There is no customer yet."
        head={["Customer", "Name", "Status", "Login limit", "Created"]}
      >
        {page.value?.customers.map(({ customerId, displayName, status, loginLimit, createTime }) => (
          <tr key={customerId}>
            <td>
              <a href={addressOf(["customers", customerId])}>
                <code>{customerId}</code>
              </a>
            </td>
            <td>{displayName}</td>
            <td>
              <Badge word={statusWord(status)} />
            </td>
            <td>{loginLimit === "" ? <span class="quiet">the gateway's</span> : loginLimit}</td>
            <td>
              <Time time={createTime} />
            </td>
          </tr>
        ))}
      </Table>
      <Pager tokens={tokens} nextPageToken={page.value?.nextPageToken ?? ""} onTokens={setTokens} />
      {isCreating && <CreateDialog onClose={() => setCreating(false)} />}
    </Page>
  );
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
