// A search form whose fields are the parameters of the page's address.

import type { ComponentChildren, VNode } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { formValuesOf } from "./form.tsx";
import { addressOf } from "./router.ts";

/** Delay between a keystroke and the search, in milliseconds. */
const TYPING_MS = 150;

interface SearchFormProps {
  readonly path: readonly string[];
  readonly query: URLSearchParams;
  readonly children: ComponentChildren;
}

/** Replaces the address without history entries. The form starts again after a link changed the address. */
export function SearchForm({ path, query, children }: SearchFormProps): VNode {
  const address = addressOf(path, Object.fromEntries(query));
  const form = useRef({ address, version: 0 });
  if (address !== form.current.address) form.current = { address, version: form.current.version + 1 };
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  // A link drops the search that was still being typed.
  useLayoutEffect(() => () => clearTimeout(timer.current), [form.current.version]);
  return (
    <search class="card">
      <form
        key={form.current.version}
        class="search"
        onSubmit={(event) => event.preventDefault()}
        onInput={({ currentTarget }) => {
          clearTimeout(timer.current);
          timer.current = setTimeout(() => {
            form.current.address = addressOf(path, formValuesOf(currentTarget));
            location.replace(form.current.address);
          }, TYPING_MS);
        }}
      >
        {children}
      </form>
    </search>
  );
}
