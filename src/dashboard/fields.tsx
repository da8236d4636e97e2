// Labelled controls of forms. They keep their values themselves; a form reads them by name.

import type { ComponentChildren, InputHTMLAttributes, TextareaHTMLAttributes, VNode } from "preact";
import { useId } from "preact/hooks";

interface Labelled {
  readonly label: string;
  readonly hint?: ComponentChildren;
}

interface FieldProps extends Labelled {
  readonly children: (id: { id: string; "aria-describedby"?: string }) => ComponentChildren;
}

export function Field({ label, hint, children }: FieldProps): VNode {
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

export function TextField({ label, hint, ...attributes }: Labelled & InputHTMLAttributes): VNode {
  return (
    <Field label={label} hint={hint}>
      {(id) => <input type="text" autoComplete="off" spellcheck={false} {...attributes} {...id} />}
    </Field>
  );
}

export function TextArea({ label, hint, ...attributes }: Labelled & TextareaHTMLAttributes): VNode {
  return (
    <Field label={label} hint={hint}>
      {(id) => <textarea spellcheck={false} {...attributes} {...id} />}
    </Field>
  );
}

type CheckAttributes = Omit<Extract<InputHTMLAttributes, { type: "checkbox" }>, "type">;

interface SelectFieldProps {
  readonly label: string;
  readonly name: string;
  readonly defaultValue: string;
  /** Texts by their values. */
  readonly options: Readonly<Record<string, string>>;
  readonly required?: boolean;
}

export function SelectField({ label, name, defaultValue, options, required = false }: SelectFieldProps): VNode {
  return (
    <Field label={label}>
      {(id) => (
        <select {...id} name={name} required={required}>
          {Object.entries(options).map(([value, text]) => (
            <option key={value} value={value} selected={value === defaultValue}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

export function CheckField({ label, ...attributes }: { readonly label: string } & CheckAttributes): VNode {
  return (
    <label class="check">
      <input {...attributes} type="checkbox" />
      <span>{label}</span>
    </label>
  );
}
