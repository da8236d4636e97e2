// Parts that several pages are made of: badges, times, notices, fields, dialogs, secrets.

import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { ComponentChildren, TargetedInputEvent } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Failure } from "./gateway.ts";
import { useAction, useSession } from "./loading.ts";
import { exactTime, relativeTime, type Tone, timeMs, type Word } from "./words.ts";

export interface PageProps {
  readonly title: string;
  readonly back?: { readonly href: string; readonly text: string };
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** A page with its heading, which takes the focus when the page is opened. */
export function Page({ title, back, actions, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Countersign`;
    heading.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [title]);
  return (
    <>
      <header class="page-head">
        <div>
          {back && (
            <a class="back" href={back.href}>
              ← {back.text}
            </a>
          )}
          <h1 tabIndex={-1} ref={heading}>
            {title}
          </h1>
        </div>
        {actions && <div class="row">{actions}</div>}
      </header>
      {children}
    </>
  );
}

export function Badge({ word: { text, tone } }: { readonly word: Word }) {
  return <span class={`badge ${tone}`}>{text}</span>;
}

/** A time from now; its title has the exact one. */
export function Time({ time, none = "never" }: { readonly time: Timestamp | undefined; readonly none?: string }) {
  const ms = timeMs(time);
  if (ms === undefined) return <span class="quiet">{none}</span>;
  return (
    <time dateTime={new Date(ms).toISOString()} title={exactTime(ms)}>
      {relativeTime(ms)}
    </time>
  );
}

export function Notice({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }) {
  return (
    <div class={`notice ${tone}`} role={tone === "bad" ? "alert" : "status"}>
      {children}
    </div>
  );
}

export function FailureNotice({ failure }: { readonly failure: Failure | undefined }) {
  return failure === undefined ? null : <Notice tone="bad">{failure.message}</Notice>;
}

interface FieldProps {
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly children: (id: { id: string; "aria-describedby"?: string }) => ComponentChildren;
}

/** A labelled control. */
export function Field({ label, hint, children }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(hint === undefined ? { id } : { id, "aria-describedby": `${id}-hint` })}
      {hint !== undefined && (
        <small id={`${id}-hint`} class="quiet">
          {hint}
        </small>
      )}
    </div>
  );
}

interface TextFieldProps {
  readonly label: string;
  readonly type?: "password" | "number";
  readonly placeholder?: string;
  readonly required?: boolean;
  readonly maxLength?: number;
  readonly min?: number;
  readonly max?: number;
  readonly autoComplete?: string;
  readonly hint?: ComponentChildren;
  readonly value: string;
  readonly onValue: (value: string) => void;
}

export function TextField({ label, hint, value, onValue, type, ...attributes }: TextFieldProps) {
  const shared = { autoComplete: "off", spellcheck: false, ...attributes, value };
  return (
    <Field label={label} hint={hint}>
      {(id) => {
        const input = { ...shared, ...id, onInput: (event: InputEventOf) => onValue(event.currentTarget.value) };
        if (type === "password") return <input type="password" {...input} />;
        return type === "number" ? <input type="number" {...input} /> : <input type="text" {...input} />;
      }}
    </Field>
  );
}

type InputEventOf = TargetedInputEvent<HTMLInputElement>;

interface SelectFieldProps {
  readonly label: string;
  readonly value: string;
  readonly options: readonly (readonly [value: string, text: string])[];
  readonly onValue: (value: string) => void;
}

export function SelectField({ label, value, options, onValue }: SelectFieldProps) {
  return (
    <Field label={label}>
      {(id) => (
        <select {...id} value={value} onChange={(event) => onValue(event.currentTarget.value)}>
          {options.map(([option, text]) => (
            <option key={option} value={option} selected={option === value}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface CheckFieldProps {
  readonly label: string;
  readonly checked: boolean;
  readonly onValue: (checked: boolean) => void;
}

export function CheckField({ label, checked, onValue }: CheckFieldProps) {
  return (
    <label class="check">
      <input type="checkbox" checked={checked} onChange={(event) => onValue(event.currentTarget.checked)} />
      <span>{label}</span>
    </label>
  );
}

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** A modal dialog: the browser keeps the focus in it, and Escape closes it. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}

interface FormDialogProps extends DialogProps {
  /** The button's text. */
  readonly submit: string;
  readonly danger?: boolean | undefined;
  readonly isReady?: boolean;
  /** The dialog closes once it has succeeded. */
  readonly act: () => Promise<void>;
}

/** A dialog with a form, and the outcome of its action. */
export function FormDialog({ title, submit, danger, isReady = true, act, onClose, children }: FormDialogProps) {
  const action = useAction();
  const run = (): void => void action.run(act).then((isDone) => isDone && onClose());
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          run();
        }}
      >
        {children}
        <FailureNotice failure={action.failure} />
        <div class="row end">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class={danger ? "danger solid" : "primary"} disabled={action.isBusy || !isReady}>
            {action.isBusy ? "Working…" : submit}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface TabsProps {
  readonly label: string;
  readonly names: readonly string[];
  readonly value: string;
  readonly onValue: (name: string) => void;
}

/** Buttons of which one is chosen. */
export function Tabs({ label, names, value, onValue }: TabsProps) {
  return (
    <fieldset class="row tabs" aria-label={label}>
      {names.map((name) => (
        <button key={name} type="button" aria-pressed={name === value} onClick={() => onValue(name)}>
          {name}
        </button>
      ))}
    </fieldset>
  );
}

interface ActionButtonProps {
  readonly text: string;
  readonly danger?: boolean;
  readonly primary?: boolean;
  /** Asked before; absent: the button acts at once. */
  readonly question?: { readonly title: string; readonly body: ComponentChildren };
  readonly act: () => Promise<void>;
}

/** A button that changes something: for operators who may, after a question if there is one. */
export function ActionButton({ text, danger, primary, question, act }: ActionButtonProps) {
  const { isAdmin } = useSession();
  const action = useAction();
  const [isAsking, setAsking] = useState(false);
  if (!isAdmin) return null;
  const start = (): void => (question === undefined ? void action.run(act) : setAsking(true));
  return (
    <>
      <button
        type="button"
        class={danger ? "danger" : primary ? "primary" : ""}
        disabled={action.isBusy}
        onClick={start}
      >
        {text}
      </button>
      <FailureNotice failure={action.failure} />
      {question !== undefined && isAsking && (
        <FormDialog title={question.title} submit={text} danger={danger} act={act} onClose={() => setAsking(false)}>
          {question.body}
        </FormDialog>
      )}
    </>
  );
}

/** Copies a text. */
export function CopyButton({ text, label = "Copy" }: { readonly text: string; readonly label?: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 2_000);
  };
  return (
    <button type="button" onClick={() => void copy().catch(() => setCopied(false))}>
      <span aria-live="polite">{isCopied ? "Copied" : label}</span>
    </button>
  );
}

/** Saves a text as a file. */
export function saveFile(name: string, parts: readonly string[], type = "text/plain"): void {
  const url = URL.createObjectURL(new Blob([...parts], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1_000);
}

interface SecretProps {
  readonly label: string;
  readonly secret: string;
  readonly file: string;
}

/** A secret that is shown once, to copy or download. */
export function Secret({ label, secret, file }: SecretProps) {
  return (
    <div class="secret">
      <strong>{label}</strong>
      <code data-secret>{secret}</code>
      <div class="row">
        <CopyButton text={secret} />
        <button type="button" onClick={() => saveFile(file, [`${secret}\n`])}>
          Download
        </button>
      </div>
      <small>It is not shown again.</small>
    </div>
  );
}

interface FactsProps {
  readonly facts: readonly (readonly [name: string, value: ComponentChildren])[];
}

/** Names and values. */
export function Facts({ facts }: FactsProps) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A row by its cells. */
export interface Row {
  readonly key: string;
  readonly isSelected?: boolean;
  readonly cells: readonly ComponentChildren[];
}

interface TableProps {
  readonly label: string;
  readonly head: readonly ComponentChildren[];
  /** Undefined until they are loaded. */
  readonly rows: readonly Row[] | undefined;
  /** Shown in place of no rows. */
  readonly empty?: string;
}

/** A table that scrolls by itself where it is wider than the screen. */
export function Table({ label, head, rows, empty = "There is none." }: TableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reached by keyboard (WCAG 2.1.1)
    <section class="table" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {head.map((cell) => (
              <th scope="col">{cell}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows?.map(({ key, isSelected, cells }) => (
            <tr key={key} class={isSelected ? "selected" : ""}>
              {cells.map((cell) => (
                <td>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows?.length === 0 && <p class="empty">{empty}</p>}
      {rows === undefined && <p class="empty">Loading…</p>}
    </section>
  );
}

interface PagerProps {
  /** Tokens of the pages before, the first one empty. */
  readonly tokens: readonly string[];
  readonly nextPageToken: string;
  readonly onTokens: (tokens: readonly string[]) => void;
}

/** Buttons between pages of a list. */
export function Pager({ tokens, nextPageToken, onTokens }: PagerProps) {
  return (
    <nav class="row pager" aria-label="Pages">
      <button type="button" disabled={tokens.length < 2} onClick={() => onTokens(tokens.slice(0, -1))}>
        Previous
      </button>
      <span class="quiet">Page {tokens.length}</span>
      <button type="button" disabled={nextPageToken === ""} onClick={() => onTokens([...tokens, nextPageToken])}>
        Next
      </button>
    </nav>
  );
}
