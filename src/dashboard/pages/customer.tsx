// A customer and its keys: issued, imported, followed through a rotation, retired.

import { useState } from "preact/hooks";
import { type Customer, Status } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { CustomerKeys } from "../customer-keys.tsx";
import { admin } from "../gateway.ts";
import { useLoaded, useSession } from "../loading.ts";
import { ActionButton, Badge, Facts, FailureNotice, FormDialog, Page, TextField, Time } from "../parts.tsx";
import { addressOf, goTo } from "../router.ts";
import { statusWord } from "../words.ts";

export function CustomerPage({ customerId }: { readonly customerId: string }) {
  const loaded = useLoaded(() => admin.getCustomer({ customerId }), [customerId]);
  const customer = loaded.value;
  return (
    <Page
      title={customer === undefined || customer.displayName === "" ? customerId : customer.displayName}
      back={{ href: addressOf(["customers"]), text: "Customers" }}
      actions={customer && <Changes customer={customer} onChanged={loaded.reload} />}
    >
      <FailureNotice failure={loaded.failure} />
      {customer && (
        <section class="card">
          <Facts
            facts={[
              ["Id", <code key="i">{customerId}</code>],
              ["Status", <Badge key="s" word={statusWord(customer.status)} />],
              ["Login limit", customer.loginLimit === "" ? "the gateway's" : customer.loginLimit],
              [
                "Devices",
                <a key="d" href={addressOf(["devices"], { customer: customerId })}>
                  show
                </a>,
              ],
              [
                "Changes",
                <a key="a" href={addressOf(["audit"], { customer_id: customerId })}>
                  show
                </a>,
              ],
              ["Tokens revoked", <Time key="t" time={customer.tokensNotBefore} />],
              ["Created", <Time key="c" time={customer.createTime} />],
            ]}
          />
        </section>
      )}
      {customer && <CustomerKeys customerId={customerId} />}
    </Page>
  );
}

interface ChangesProps {
  readonly customer: Customer;
  readonly onChanged: () => void;
}

function Changes({ customer, onChanged }: ChangesProps) {
  const { customerId, status } = customer;
  const { isAdmin } = useSession();
  const [isEditing, setEditing] = useState(false);
  const setStatus = async (next: Status): Promise<void> => {
    await admin.updateCustomer({ customer: { customerId, status: next }, updateMask: { paths: ["status"] } });
    onChanged();
  };
  return (
    <>
      {isAdmin && (
        <a class="button" href={addressOf(["enrol"], { customer: customerId })}>
          Enrol a device
        </a>
      )}
      {isAdmin && (
        <button type="button" onClick={() => setEditing(true)}>
          Edit
        </button>
      )}
      {status === Status.DISABLED ? (
        <ActionButton text="Enable" primary act={() => setStatus(Status.ENABLED)} />
      ) : (
        <ActionButton
          text="Disable"
          danger
          question={{
            title: `Disable ${customerId}?`,
            body: "Logins of all its devices are refused, and their tokens revoked.",
          }}
          act={() => setStatus(Status.DISABLED)}
        />
      )}
      <ActionButton
        text="Revoke tokens"
        question={{
          title: `Revoke the tokens of ${customerId}?`,
          body: "All its devices have to log in again. Services that check tokens by themselves accept them until they expire.",
        }}
        act={async () => {
          await admin.revokeCustomerTokens({ customerId });
          onChanged();
        }}
      />
      <ActionButton
        text="Delete"
        danger
        question={{
          title: `Delete ${customerId}?`,
          body: "Its keys go too. A customer that has devices is not deleted.",
        }}
        act={async () => {
          await admin.deleteCustomer({ customerId });
          goTo(["customers"]);
        }}
      />
      {isEditing && (
        <EditDialog
          customer={customer}
          onClose={() => {
            setEditing(false);
            onChanged();
          }}
        />
      )}
    </>
  );
}

function EditDialog({ customer, onClose }: { readonly customer: Customer; readonly onClose: () => void }) {
  const [displayName, setName] = useState(customer.displayName);
  const [loginLimit, setLimit] = useState(customer.loginLimit);
  const save = async (): Promise<void> => {
    const { customerId, etag } = customer;
    const updateMask = { paths: ["display_name", "login_limit"] };
    await admin.updateCustomer({ customer: { customerId, displayName, loginLimit, etag }, updateMask });
  };
  return (
    <FormDialog title={`Edit ${customer.customerId}`} submit="Save" act={save} onClose={onClose}>
      <TextField label="Name" value={displayName} onValue={setName} maxLength={200} />
      <TextField
        label="Login limit"
        hint="As in 20/60s, or off. Empty: the gateway's."
        value={loginLimit}
        onValue={setLimit}
      />
    </FormDialog>
  );
}
