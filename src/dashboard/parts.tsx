// Parts of several pages: badges, times, notices, tabs, facts, secrets.

import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Failure } from "./gateway.ts";
import { addressOf } from "./router.ts";
import { relativeTime, type Tone, timeMs, toneOf } from "./words.ts";

interface PageProps {
  readonly title: string;
  readonly back?: { readonly href: string; readonly text: string };
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** A page with its heading, which takes the focus when the page is opened. */
export function Page({ title, back, actions, children }: PageProps): VNode {
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

/** A link to a page, named by the last part of the address. */
export function PageLink({ to }: { readonly to: readonly string[] }): VNode {
  return (
    <a href={addressOf(to)}>
      <code>{to.at(-1)}</code>
    </a>
  );
}

export function Badge({ state }: { readonly state: string }): VNode {
  return <span class={`badge ${toneOf(state)}`}>{state}</span>;
}

interface TimeProps {
  readonly time: Timestamp | undefined;
  /** Shown if there is no time. */
  readonly none?: string;
}

/** A time relative to now, with the exact time as its title. */
export function Time({ time, none = "never" }: TimeProps): VNode {
  const ms = timeMs(time);
  if (ms === undefined) return <span class="quiet">{none}</span>;
  const date = new Date(ms);
  return (
    <time dateTime={date.toISOString()} title={date.toUTCString()}>
      {relativeTime(ms)}
    </time>
  );
}

export function Notice({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }): VNode {
  return (
    <div class={`notice ${tone}`} role={tone === "bad" ? "alert" : "status"}>
      {children}
    </div>
  );
}

export function FailureNotice({ failure }: { readonly failure: Failure | undefined }): VNode | null {
  return failure === undefined ? null : <Notice tone="bad">{failure.message}</Notice>;
}

interface TabsProps {
  readonly label: string;
  readonly names: readonly string[];
  readonly value: string;
  readonly onValue: (name: string) => void;
}

/** Buttons of which one is chosen. */
export function Tabs({ label, names, value, onValue }: TabsProps): VNode {
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

export function CopyButton({ text }: { readonly text: string }): VNode {
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 2_000);
  };
  return (
    <button type="button" onClick={() => void copy().catch(() => setCopied(false))}>
      <span aria-live="polite">{isCopied ? "Copied" : "Copy"}</span>
    </button>
  );
}

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
  readonly note?: string | undefined;
}

export function Secret({ label, secret, file, note = "It is not shown again." }: SecretProps): VNode {
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
      <small>{note}</small>
    </div>
  );
}

type Fact = readonly [name: string, value: ComponentChildren];

/** Names and values; an empty value is shown as none. */
export function Facts({ facts }: { readonly facts: readonly Fact[] }): VNode {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value || <span class="quiet">none</span>}</dd>
        </div>
      ))}
    </dl>
  );
}
