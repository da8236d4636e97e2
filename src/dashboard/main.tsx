// Signs the operator in, and shows the page that the address names.

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { OperatorRole, type OperatorToken } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { Frame } from "./frame.tsx";
import { admin, failureOf, hasSignedIn, signIn, signOut } from "./gateway.ts";
import { SessionContext } from "./loading.ts";
import { SignIn } from "./pages/sign-in.tsx";
import "./style.css";

type State =
  | { readonly kind: "opening" }
  | { readonly kind: "out"; readonly message: string }
  | { readonly kind: "in"; readonly operator: OperatorToken };

const CODE = /^#sign-in=([\w-]+)$/;

/** Removes the code of a link from the address and from the browser's history. */
function takeCode(): string | undefined {
  const code = CODE.exec(location.hash)?.[1];
  if (code !== undefined) history.replaceState(undefined, "", "#/");
  return code;
}

function App() {
  const [state, setState] = useState<State>({ kind: "opening" });

  const leave = (message = ""): void => setState({ kind: "out", message });
  const fail = (error: unknown): void => leave(failureOf(error).message);

  async function open(): Promise<void> {
    const code = takeCode();
    try {
      if (code !== undefined) await signIn({ code });
      else if (!hasSignedIn()) return leave();
      await load();
    } catch (error) {
      fail(error);
    }
  }

  async function load(): Promise<void> {
    setState({ kind: "in", operator: await admin.getCallingOperator({}) });
  }

  useEffect(() => {
    void open();
    // A link that is pasted into an open page.
    const reopen = (): void => void (CODE.test(location.hash) && open());
    addEventListener("hashchange", reopen);
    return () => removeEventListener("hashchange", reopen);
  }, []);

  if (state.kind === "opening") return <p class="empty">Loading…</p>;
  if (state.kind === "out") return <SignIn message={state.message} onSignedIn={load} />;
  const session = { operator: state.operator, isAdmin: state.operator.role === OperatorRole.ADMIN, end: leave };
  return (
    <SessionContext.Provider value={session}>
      <Frame onSignOut={() => void signOut().then(() => leave(), fail)} />
    </SessionContext.Provider>
  );
}

const root = document.getElementById("app");
if (root !== null) render(<App />, root);
