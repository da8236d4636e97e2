// Hooks that load values from the gateway, reload them, and run actions.

import { createContext } from "preact";
import { type Inputs, useContext, useEffect, useState } from "preact/hooks";
import type { OperatorToken } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { type Failure, failureOf } from "./gateway.ts";

export interface OperatorSession {
  readonly operator: OperatorToken;
  readonly isAdmin: boolean;
  /** Called when a call finds that the session has ended. */
  end(message: string): void;
}

export const SessionContext = createContext<OperatorSession | undefined>(undefined);

export function useSession(): OperatorSession {
  const session = useContext(SessionContext);
  if (session === undefined) throw new TypeError("a page is shown without a session");
  return session;
}

/** Dispatches `change` after each action, so that every shown value is loaded again. */
const actions = new EventTarget();

export interface Loaded<Value> {
  /** Undefined until the first answer; the last one stays while the next is loaded. */
  readonly value?: Value;
  readonly failure?: Failure;
}

/** Loads a value: when `inputs` change, after an action, and `everyMs` milliseconds after each answer while the page is visible. */
export function useLoaded<Value>(
  load: (signal: AbortSignal) => Promise<Value>,
  inputs: Inputs,
  everyMs?: number,
): Loaded<Value> {
  const { end } = useSession();
  const [state, setState] = useState<Loaded<Value>>({});
  const [round, setRound] = useState(0);

  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const reload = (): void => setRound(round + 1);
    const wait = (): void => {
      if (everyMs === undefined || signal.aborted) return;
      timer = setTimeout(() => (document.visibilityState === "visible" ? reload() : wait()), everyMs);
    };
    load(signal)
      .then(
        (value) => !signal.aborted && setState({ value }),
        (error: unknown) => {
          if (signal.aborted) return;
          const failure = failureOf(error);
          if (failure.reason === "invalid_admin_token") end(failure.message);
          setState((before) => ({ ...before, failure }));
        },
      )
      .finally(wait);
    actions.addEventListener("change", reload);
    return () => {
      controller.abort();
      clearTimeout(timer);
      actions.removeEventListener("change", reload);
    };
  }, [...inputs, round]);

  return state;
}

export interface Pages<Answer> extends Loaded<Answer> {
  /** Tokens of the pages up to the one that is shown, the first one empty. */
  readonly tokens: readonly string[];
  readonly nextPageToken: string;
  go(tokens: readonly string[]): void;
}

/** Loads a list page by page; another filter begins at its first page. */
export function usePages<Answer extends { readonly nextPageToken: string }>(
  load: (pageToken: string) => Promise<Answer>,
  filter = "",
  everyMs?: number,
): Pages<Answer> {
  const [position, setPosition] = useState<{ filter: string; tokens: readonly string[] }>({ filter, tokens: [""] });
  const tokens = position.filter === filter ? position.tokens : [""];
  const pageToken = tokens.at(-1) ?? "";
  const loaded = useLoaded(() => load(pageToken), [filter, pageToken], everyMs);
  const nextPageToken = loaded.value?.nextPageToken ?? "";
  return { ...loaded, tokens, nextPageToken, go: (next) => setPosition({ filter, tokens: next }) };
}

export interface Action {
  readonly isBusy: boolean;
  readonly failure: Failure | undefined;
  /** Runs a task, and keeps its failure. */
  run(task: () => Promise<unknown>): Promise<void>;
}

export function useAction(): Action {
  const session = useContext(SessionContext);
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  return {
    isBusy,
    failure,
    async run(task) {
      setBusy(true);
      setFailure(undefined);
      try {
        await task();
      } catch (error) {
        const thrown = failureOf(error);
        if (thrown.reason === "invalid_admin_token") session?.end(thrown.message);
        setFailure(thrown);
      } finally {
        setBusy(false);
        actions.dispatchEvent(new Event("change"));
      }
    },
  };
}
