// Loading for pages: a value from the gateway, kept up to date, and actions with their outcome.

import { createContext } from "preact";
import { type Inputs, useCallback, useContext, useEffect, useRef, useState } from "preact/hooks";
import type { OperatorToken } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { type Failure, failureOf } from "./gateway.ts";

export interface Session {
  readonly operator: OperatorToken;
  readonly isAdmin: boolean;
  /** Called when a call finds that the session has ended. */
  end(message: string): void;
}

export const SessionContext = createContext<Session | undefined>(undefined);

/** The session of the signed-in operator. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === undefined) throw new TypeError("a page is shown without a session");
  return session;
}

export interface Loaded<Value> {
  /** Undefined until the first answer; the last one stays while the next is loaded. */
  readonly value: Value | undefined;
  readonly failure: Failure | undefined;
  reload(): void;
}

/** Loads a value, again when `inputs` change, and every `everyMs` milliseconds while the page is visible. */
export function useLoaded<Value>(load: () => Promise<Value>, inputs: Inputs, everyMs?: number): Loaded<Value> {
  const session = useContext(SessionContext);
  const [state, setState] = useState<{ value?: Value; failure?: Failure; inputs?: Inputs }>({});
  const [round, setRound] = useState(0);
  const reload = useCallback(() => setRound((before) => before + 1), []);

  useEffect(() => {
    let isStale = false;
    load().then(
      (value) => !isStale && setState({ value }),
      (error: unknown) => {
        if (isStale) return;
        const failure = failureOf(error);
        if (failure.reason === "invalid_admin_token") session?.end(failure.message);
        setState((before) => ({ ...before, failure }));
      },
    );
    return () => {
      isStale = true;
    };
  }, [...inputs, round]);

  useEffect(() => {
    if (everyMs === undefined) return undefined;
    const timer = setInterval(() => document.visibilityState === "visible" && reload(), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);

  return { value: state.value, failure: state.failure, reload };
}

export interface Action {
  readonly isBusy: boolean;
  readonly failure: Failure | undefined;
  /** Runs a task, one at a time. @returns whether it succeeded */
  run(task: () => Promise<void>): Promise<boolean>;
  clear(): void;
}

/** An action with its outcome. */
export function useAction(): Action {
  const session = useContext(SessionContext);
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const busy = useRef(false);
  return {
    isBusy,
    failure,
    clear: () => setFailure(undefined),
    async run(task) {
      if (busy.current) return false;
      busy.current = true;
      setBusy(true);
      setFailure(undefined);
      try {
        await task();
        return true;
      } catch (error) {
        const thrown = failureOf(error);
        if (thrown.reason === "invalid_admin_token") session?.end(thrown.message);
        setFailure(thrown);
        return false;
      } finally {
        busy.current = false;
        setBusy(false);
      }
    },
  };
}
