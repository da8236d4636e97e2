// The page that exchanges an admin token for a session.

import { useState } from "preact/hooks";
import { signIn } from "../gateway.ts";
import { Notice, TextField } from "../parts.tsx";

interface SignInProps {
  /** The reason why the operator is signed out. */
  readonly message?: string;
  readonly onSignedIn: () => Promise<void>;
}

export function SignIn({ message, onSignedIn }: SignInProps) {
  const [token, setToken] = useState("");
  const [failure, setFailure] = useState(message);
  const [isBusy, setBusy] = useState(false);

  async function submit(): Promise<void> {
    setBusy(true);
    try {
      await signIn({ token: token.trim() });
      await onSignedIn();
    } catch (error) {
      setFailure(error instanceof Error ? error.message : "The gateway does not answer.");
      setBusy(false);
    }
  }

  return (
    <main class="sign-in">
      <form
        class="card stack"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <img src={new URL("../icon.svg", import.meta.url).href} alt="" width={40} height={40} />
        <h1>Countersign</h1>
        {failure !== undefined && <Notice tone="bad">{failure}</Notice>}
        <TextField
          label="Admin token"
          type="password"
          autoComplete="current-password"
          required
          value={token}
          onValue={setToken}
        />
        <button type="submit" class="primary" disabled={isBusy || token.trim() === ""}>
          {isBusy ? "Signing in…" : "Sign in"}
        </button>
        <p class="quiet">
          Or run <code>npx countersign dashboard</code> beside the gateway, and open the link that it prints.
        </p>
      </form>
    </main>
  );
}
