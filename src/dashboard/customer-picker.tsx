// Picks a customer, or creates one.

import { useState } from "preact/hooks";
import { admin } from "./gateway.ts";
import { useAction, useLoaded } from "./loading.ts";
import { FailureNotice, Field, TextField } from "./parts.tsx";

interface CustomerPickerProps {
  readonly value: string;
  readonly onValue: (customerId: string) => void;
}

export function CustomerPicker({ value, onValue }: CustomerPickerProps) {
  const [isNew, setNew] = useState(false);
  const [name, setName] = useState("");
  const list = useLoaded(() => admin.listCustomers({ pageSize: 1_000 }), []);
  const action = useAction();
  const create = async (): Promise<void> => {
    const { customerId } = await admin.createCustomer({ customer: { displayName: name } });
    list.reload();
    onValue(customerId);
    setNew(false);
  };
  if (isNew) {
    return (
      <div class="row start">
        <TextField label="Name of the new customer" value={name} onValue={setName} />
        <button type="button" disabled={name.trim() === "" || action.isBusy} onClick={() => void action.run(create)}>
          Create
        </button>
        <button type="button" onClick={() => setNew(false)}>
          Cancel
        </button>
        <FailureNotice failure={action.failure} />
      </div>
    );
  }
  const customers = list.value?.customers ?? [];
  const isListed = value === "" || customers.some(({ customerId }) => customerId === value);
  return (
    <div class="row start">
      <Field label="Customer">
        {(id) => (
          <select {...id} required value={value} onChange={(event) => onValue(event.currentTarget.value)}>
            <option value="">Choose…</option>
            {!isListed && <option value={value}>{value}</option>}
            {customers.map(({ customerId, displayName }) => (
              <option key={customerId} value={customerId} selected={customerId === value}>
                {displayName === "" ? customerId : `${displayName} (${customerId})`}
              </option>
            ))}
          </select>
        )}
      </Field>
      <button type="button" onClick={() => setNew(true)}>
        New customer
      </button>
      <FailureNotice failure={list.failure} />
    </div>
  );
}
