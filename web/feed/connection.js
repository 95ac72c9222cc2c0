// The WebSocket to the server: connects, authenticates, and reconnects with back-off and jitter.

const FORM = "flow_gl.packed.1";
const BACKOFF_S = [0.5, 1, 2, 4, 8, 15];
const SILENT_S = 8; // a connection without a message for this long is dead: the server sends every second
const HELLO_S = 1.5; // a server that has sent nothing by then waits for a token
const TOKEN_KEY = "flow_gl.token";
const SIGN_IN = ["unauthenticated", "no_token_in_time"];

export class Connection {
  // `take(data)` receives each message (a string or an ArrayBuffer). If it throws, the connection is restarted.
  // `opened(isNew)` is called after `Connected`, `needsToken(reason, isWrong)` if the server requires a token.
  constructor(url, { take, opened, needsToken }) {
    Object.assign(this, { url, take, opened, needsToken });
    this.state = "connecting"; // connecting, open, refused (a token is needed) or stopped (retrying cannot help)
    this.attempt = 1;
    this.reason = "";
    this.lostAt = null; // performance.now() when data stopped
    this.heardAt = 0;
    this.retryAt = 0;
    this.socket = null;
    setInterval(() => this.#watch(), 500);
    addEventListener("online", () => this.#retryNow());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.#retryNow();
    });
    this.#connect();
  }

  // Seconds for the header.
  get facts() {
    const now = performance.now();
    return {
      state: this.state,
      attempt: this.attempt,
      reason: this.reason,
      retryS: Math.max(0, (this.retryAt - now) / 1000),
      lostS: this.lostAt === null ? null : (now - this.lostAt) / 1000,
      silentS: (now - this.heardAt) / 1000,
    };
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  signIn(token) {
    sessionStorage.setItem(TOKEN_KEY, token);
    this.attempt = 1;
    this.#connect();
  }

  // Reconnect, because the received data cannot be used.
  restart(reason) {
    this.#lose(reason);
  }

  #connect() {
    this.#drop();
    this.state = "connecting";
    this.reason = "";
    const socket = new WebSocket(this.url, [FORM]);
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    const token = sessionStorage.getItem(TOKEN_KEY);
    this.helloBy = Infinity;
    socket.onopen = () => {
      this.heardAt = performance.now();
      this.helloBy = performance.now() + 1000 * HELLO_S;
      if (token) this.send({ type: "Authenticate", token });
    };
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ reason }) => this.#lose(reason || this.reason || "the server cannot be reached");
  }

  #receive(data) {
    this.heardAt = performance.now();
    this.helloBy = Infinity;
    try {
      const message = typeof data === "string" ? JSON.parse(data) : data;
      if (message.type === "Error" && this.#refused(message)) return;
      this.take(message);
      if (message.type !== "Connected") return;
      const isNew = this.state !== "open"; // sent again when an instrument or an epoch changes
      this.state = "open";
      this.attempt = 1;
      this.lostAt = null;
      this.opened(isNew);
    } catch (error) {
      console.error(error);
      this.#lose(error.message);
    }
  }

  // Handle an error; returns whether it has ended the connection.
  #refused({ code, text, advice }) {
    this.reason = advice ? `${text}; ${advice}` : text;
    if (SIGN_IN.includes(code) || (code === "forbidden" && this.state !== "open")) {
      this.#askForToken(text);
      return true;
    }
    if (code === "unsupported_version") {
      this.#drop();
      this.state = "stopped";
      return true;
    }
    return false;
  }

  #askForToken(reason) {
    const isWrong = sessionStorage.getItem(TOKEN_KEY) !== null;
    sessionStorage.removeItem(TOKEN_KEY);
    this.#drop();
    this.state = "refused";
    this.reason = isWrong ? reason : "";
    this.needsToken(this.reason, isWrong);
  }

  #lose(reason) {
    if (this.state === "refused" || this.state === "stopped") return;
    this.#drop();
    if (this.state === "open") {
      this.lostAt = performance.now();
      this.attempt = 0;
    }
    this.state = "connecting";
    this.attempt += 1;
    this.reason = reason;
    const wait = BACKOFF_S[Math.min(this.attempt - 1, BACKOFF_S.length - 1)];
    // Jitter, so that the screens of a desk do not all reconnect at once.
    this.retryAt = performance.now() + 1000 * wait * (0.5 + 0.5 * Math.random());
  }

  #drop() {
    const { socket } = this;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #watch() {
    const now = performance.now();
    if (this.state === "open" && now - this.heardAt > 1000 * SILENT_S) this.#lose("the server no longer answers");
    else if (this.socket && now > this.helloBy && this.state === "connecting") this.#askForToken("");
    else if (!this.socket && this.state === "connecting" && now >= this.retryAt) this.#connect();
  }

  #retryNow() {
    if (!this.socket && this.state === "connecting") this.retryAt = 0;
  }
}
