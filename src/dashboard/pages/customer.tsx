// A customer and its keys.

import type { VNode } from "preact";
import { type Customer, StatusSchema } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { CustomerKeyTable } from "../customer-keys.tsx";
import { TextField } from "../fields.tsx";
import { ActionButton, StateButtons } from "../form.tsx";
import { admin } from "../gateway.ts";
import { useLoaded, useSession } from "../loading.ts";
import { Badge, Facts, FailureNotice, Page, Time } from "../parts.tsx";
import { addressOf } from "../router.ts";
import { enumText } from "../words.ts";

export function CustomerPage({ customerId }: { readonly customerId: string }): VNode {
  const { value: customer, failure } = useLoaded(() => admin.getCustomer({ customerId }), [customerId]);
  return (
    <Page
      title={customer?.displayName || customerId}
      back={{ href: addressOf(["customers"]), text: "Customers" }}
      actions={customer && <Changes customer={customer} />}
    >
      <FailureNotice failure={failure} />
      {customer && (
        <>
          <section class="card">
            <Facts
              facts={[
                ["Id", <code key="i">{customerId}</code>],
                ["Status", <Badge key="s" state={enumText(StatusSchema, customer.status)} />],
                ["Login limit", customer.loginLimit === "" ? "the gateway's" : customer.loginLimit],
                [
                  "See also",
                  <span key="o">
                    <a href={addressOf(["devices"], { customer: customerId })}>its devices</a>,{" "}
                    <a href={addressOf(["audit"], { customer_id: customerId })}>its changes</a>
                  </span>,
                ],
                ["Tokens revoked", <Time key="t" time={customer.tokensNotBefore} />],
                ["Created", <Time key="c" time={customer.createTime} />],
              ]}
            />
          </section>
          <CustomerKeyTable customerId={customerId} />
        </>
      )}
    </Page>
  );
}

function Changes({ customer }: { readonly customer: Customer }) {
  const { customerId, displayName, loginLimit, status, etag } = customer;
  const { isAdmin } = useSession();
  const update = (
    change: Pick<Partial<Customer>, "displayName" | "loginLimit" | "status" | "etag">,
    ...paths: string[]
  ) => admin.updateCustomer({ customer: { customerId, ...change }, updateMask: { paths } });
  return (
    <>
      {isAdmin && (
        <a class="button" href={addressOf(["enrol"], { customer: customerId })}>
          Enrol a device
        </a>
      )}
      <ActionButton
        text="Edit"
        title={`Edit ${customerId}`}
        submit="Save"
        act={({ displayName = "", loginLimit = "" }) =>
          update({ displayName, loginLimit, etag }, "display_name", "login_limit")
        }
      >
        <TextField name="displayName" label="Name" defaultValue={displayName} maxLength={200} />
        <TextField
          name="loginLimit"
          label="Login limit"
          hint="As in 20/60s, or off. Empty: the gateway's."
          defaultValue={loginLimit}
        />
      </ActionButton>
      <StateButtons
        name={customerId}
        list="customers"
        status={status}
        warnings={{
          disable: "Logins of all its devices are refused, and their tokens are revoked.",
          revoke: "All its devices have to log in again.",
          delete: "The customer's keys are deleted too. A customer that has devices is not deleted.",
        }}
        setStatus={(next) => update({ status: next }, "status")}
        revokeTokens={() => admin.revokeCustomerTokens({ customerId })}
        remove={() => admin.deleteCustomer({ customerId })}
      />
    </>
  );
}
