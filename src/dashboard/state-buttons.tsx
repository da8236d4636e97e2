// The buttons that customers and devices share: enable, disable, revoke tokens, delete.

import { Status } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { ActionButton } from "./form.tsx";

interface StateButtonsProps {
  /** The device_key or customer_id. */
  readonly name: string;
  readonly status: Status;
  /** The effect of disabling, of revoking tokens and of deleting. */
  readonly warnings: { readonly disable: string; readonly revoke: string; readonly delete: string };
  readonly setStatus: (status: Status) => Promise<unknown>;
  readonly revokeTokens: () => Promise<unknown>;
  readonly onDelete: () => Promise<unknown>;
}

export function StateButtons({ name, status, warnings, setStatus, revokeTokens, onDelete }: StateButtonsProps) {
  return (
    <>
      {status === Status.DISABLED ? (
        <ActionButton text="Enable" title={`Enable ${name}?`} isPrimary act={() => setStatus(Status.ENABLED)}>
          Logins are accepted again.
        </ActionButton>
      ) : (
        <ActionButton text="Disable" title={`Disable ${name}?`} danger act={() => setStatus(Status.DISABLED)}>
          {warnings.disable}
        </ActionButton>
      )}
      <ActionButton text="Revoke tokens" title={`Revoke the tokens of ${name}?`} act={revokeTokens}>
        {warnings.revoke} Services that check tokens by themselves accept them until they expire.
      </ActionButton>
      <ActionButton text="Delete" title={`Delete ${name}?`} danger act={onDelete}>
        {warnings.delete}
      </ActionButton>
    </>
  );
}
