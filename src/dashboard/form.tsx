// Forms, dialogs and action buttons, with the outcome of their action.

import { type ComponentChildren, isValidElement, type VNode } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Status } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { useAction, useSession } from "./loading.ts";
import { FailureNotice } from "./parts.tsx";
import { goTo } from "./router.ts";

/** The values of a form by the names of its fields; a checkbox that is not checked has none. */
export type FormValues = Readonly<Partial<Record<string, string>>>;

export function formValuesOf(form: HTMLFormElement): FormValues {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]));
}

interface FormProps {
  /** The button's text. */
  readonly submit: string;
  readonly danger?: boolean | undefined;
  readonly isReady?: boolean | undefined;
  /** The second button. */
  readonly cancel?: ComponentChildren;
  readonly act: (values: FormValues) => Promise<unknown>;
  readonly children: ComponentChildren;
}

export function Form({ submit, danger, isReady = true, cancel, act, children }: FormProps): VNode {
  const action = useAction();
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        const values = formValuesOf(event.currentTarget);
        void action.run(() => act(values));
      }}
    >
      {children}
      <FailureNotice failure={action.failure} />
      <div class="row end">
        {cancel}
        <button type="submit" class={danger ? "danger solid" : "primary"} disabled={action.isBusy || !isReady}>
          {action.isBusy ? "Working…" : submit}
        </button>
      </div>
    </form>
  );
}

interface ActionButtonProps extends Omit<FormProps, "submit" | "cancel"> {
  readonly text: string;
  /** The dialog's title; absent: `text`. */
  readonly title?: string;
  /** The text of the dialog's button; absent: `text`. */
  readonly submit?: string;
  readonly isPrimary?: boolean;
  readonly isDisabled?: boolean;
  /** The action. The dialog shows the element that it resolves to; without one it closes. */
  readonly act: (values: FormValues) => Promise<unknown>;
  readonly onClose?: () => void;
}

/** A button that changes something after a dialog. Operators who may change nothing do not see it. */
export function ActionButton({ isPrimary, isDisabled, onClose, ...dialog }: ActionButtonProps): VNode | null {
  const { isAdmin } = useSession();
  const [isOpen, setOpen] = useState(false);
  if (!isAdmin) return null;
  const close = (): void => {
    setOpen(false);
    onClose?.();
  };
  return (
    <>
      <button
        type="button"
        class={dialog.danger ? "danger" : isPrimary ? "primary" : ""}
        disabled={isDisabled}
        onClick={() => setOpen(true)}
      >
        {dialog.text}
      </button>
      {isOpen && <ActionDialog {...dialog} onClose={close} />}
    </>
  );
}

type ActionDialogProps = ActionButtonProps & { readonly onClose: () => void };

const focus = (element: HTMLElement | null): void => element?.focus();

/** A modal dialog. The browser keeps the focus inside and restores it afterwards; Escape closes the dialog. */
function ActionDialog({ text, title = text, submit = text, act, onClose, children, ...form }: ActionDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [outcome, setOutcome] = useState<VNode>();
  const id = useId();
  useLayoutEffect(() => dialog.current?.showModal(), []);
  // The dialog unmounts before all shown values are loaded again.
  const close = (): void => {
    dialog.current?.close();
    onClose();
  };
  async function run(values: FormValues): Promise<void> {
    const answer = await act(values);
    if (isValidElement(answer)) setOutcome(answer);
    else close();
  }
  const cancel = (
    <button type="button" onClick={close}>
      Cancel
    </button>
  );
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <h2 id={id}>{title}</h2>
      {outcome === undefined ? (
        <Form submit={submit} act={run} cancel={cancel} {...form}>
          {children}
        </Form>
      ) : (
        <div class="stack">
          {outcome}
          <div class="row end">
            <button type="button" class="primary" onClick={close} ref={focus}>
              Close
            </button>
          </div>
        </div>
      )}
    </dialog>
  );
}

interface StateButtonsProps {
  /** The device_key or customer_id. */
  readonly name: string;
  /** The page to open after deletion. */
  readonly list: "devices" | "customers";
  readonly status: Status;
  /** The effect of disabling, of revoking tokens and of deleting. */
  readonly warnings: { readonly disable: string; readonly revoke: string; readonly delete: string };
  readonly setStatus: (status: Status) => Promise<unknown>;
  readonly revokeTokens: () => Promise<unknown>;
  readonly remove: () => Promise<unknown>;
}

/** The buttons that customers and devices share: enable, disable, revoke tokens, delete. */
export function StateButtons({ name, list, status, warnings, ...acts }: StateButtonsProps): VNode {
  return (
    <>
      {status === Status.DISABLED ? (
        <ActionButton text="Enable" title={`Enable ${name}?`} isPrimary act={() => acts.setStatus(Status.ENABLED)}>
          Logins are accepted again.
        </ActionButton>
      ) : (
        <ActionButton text="Disable" title={`Disable ${name}?`} danger act={() => acts.setStatus(Status.DISABLED)}>
          {warnings.disable}
        </ActionButton>
      )}
      <ActionButton text="Revoke tokens" title={`Revoke the tokens of ${name}?`} act={acts.revokeTokens}>
        {warnings.revoke} Services that check tokens by themselves accept them until they expire.
      </ActionButton>
      <ActionButton text="Delete" title={`Delete ${name}?`} danger act={() => acts.remove().then(() => goTo([list]))}>
        {warnings.delete}
      </ActionButton>
    </>
  );
}
