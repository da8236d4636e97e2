// The button that creates a customer.

import type { VNode } from "preact";
import { TextField } from "./fields.tsx";
import { ActionButton } from "./form.tsx";
import { admin } from "./gateway.ts";

interface NewCustomerProps {
  readonly isPrimary?: boolean;
  readonly onCreated: (customerId: string) => unknown;
}

export function NewCustomer({ isPrimary = false, onCreated }: NewCustomerProps): VNode {
  return (
    <ActionButton
      text="New customer"
      submit="Create"
      isPrimary={isPrimary}
      act={async ({ displayName = "", customerId = "" }) =>
        onCreated((await admin.createCustomer({ customerId, customer: { displayName } })).customerId)
      }
    >
      <TextField name="displayName" label="Name" required maxLength={200} />
      <TextField
        name="customerId"
        label="Id"
        hint="In tokens: 1 to 16 lower-case letters, digits and hyphens. Empty: the gateway makes one."
        maxLength={16}
      />
    </ActionButton>
  );
}
