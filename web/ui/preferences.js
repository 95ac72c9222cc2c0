// The user's choices, stored in this browser. Tokens are never stored here.

const KEY = "flow_gl.view";

export function readPreferences() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

export function keepPreferences(values) {
  try {
    localStorage.setItem(KEY, JSON.stringify(values));
  } catch {
    // Private windows may have no storage; the page works without it.
  }
}
