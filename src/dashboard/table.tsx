// Tables of lists, and the buttons between their pages.

import type { ComponentChildren, VNode } from "preact";
import type { Loaded, Pages } from "./loading.ts";
import { FailureNotice } from "./parts.tsx";

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
  /** Shown if there are no rows. */
  readonly empty?: string;
}

export function ListTable({ list, ...table }: TableProps & { readonly list: Loaded<unknown> | Pages<unknown> }): VNode {
  return (
    <>
      <FailureNotice failure={list.failure} />
      {(table.rows !== undefined || list.failure === undefined) && <Table {...table} />}
      {"tokens" in list && (list.tokens.length > 1 || list.nextPageToken !== "") && <Pager {...list} />}
    </>
  );
}

/** A table with its own scroll bar where it is wider than the screen. */
export function Table({ label, head, rows, empty = "There is none." }: TableProps): VNode {
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

function Pager({ tokens, nextPageToken, go }: Pages<unknown>) {
  return (
    <nav class="row pager" aria-label="Pages">
      <button type="button" disabled={tokens.length < 2} onClick={() => go(tokens.slice(0, -1))}>
        Previous
      </button>
      <span class="quiet">Page {tokens.length}</span>
      <button type="button" disabled={nextPageToken === ""} onClick={() => go([...tokens, nextPageToken])}>
        Next
      </button>
    </nav>
  );
}
