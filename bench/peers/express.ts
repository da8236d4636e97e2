// Peer: express with a key object for each token, and no PEM, which jsonwebtoken would parse each time.

import { serveExpress } from "../express-login.ts";
import { servePeer } from "../serve-peer.ts";

servePeer((setup) => serveExpress(setup, (privateKey) => privateKey));
