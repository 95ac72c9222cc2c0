// The menu: every action with its key, and the layers that can be switched off.

import { ACTIONS } from "./actions.js";
import { canMove } from "./status.js";

// Layers by name, with the desktop's titles (layers/base.py).
export const LAYERS = {
  grid: "Grid",
  price: "Last price",
  bubbles: "Bubbles",
  counts: "Contracts",
  profile: "Profile",
  earlier_profiles: "Earlier profiles",
  levels: "Levels",
  initial_balance: "Initial balance",
  opening_range: "Opening range",
  naked_pocs: "Naked POCs",
  cvd: "CVD",
  gaps: "Gaps",
  sessions: "Session names",
  events: "Zero crosses",
  large_trade: "Large trades",
  absorption: "Absorption",
  divergence: "Divergences",
  stacked_imbalance: "Stacked imb.",
};

export class Menu {
  constructor(app) {
    this.app = app;
    this.panel = document.getElementById("panel");
    this.button = document.getElementById("menu");
    this.button.addEventListener("click", () => app.toggleMenu());
  }

  get isOpen() {
    return !this.panel.hidden;
  }

  toggle() {
    this.panel.hidden = !this.panel.hidden;
    this.button.setAttribute("aria-expanded", String(this.isOpen));
    if (this.isOpen) this.#fill();
  }

  #fill() {
    const { app } = this;
    const parts = [];
    let group = "";
    const heading = (text) => {
      if (text === group) return;
      group = text;
      const line = document.createElement("h2");
      line.textContent = text;
      parts.push(line);
    };
    const actions = ACTIONS.filter(({ group: of }) => of !== "Replay" || canMove(app.feed));
    for (const { title, group: of, run, label, isChecked } of actions) {
      heading(of);
      parts.push(this.#entry(title, label, isChecked?.(app), () => app.run(run)));
    }
    heading("Layers");
    for (const [name, title] of Object.entries(LAYERS)) {
      parts.push(this.#entry(title, "", app.visible.has(name), () => app.toggleLayer(name)));
    }
    this.panel.replaceChildren(...parts);
  }

  #entry(title, key, isChecked, run) {
    const button = document.createElement("button");
    const [text, hint] = [document.createElement("span"), document.createElement("kbd")];
    [text.textContent, hint.textContent] = [title, key];
    button.append(text, hint);
    if (isChecked !== undefined) {
      button.setAttribute("role", "menuitemcheckbox");
      button.setAttribute("aria-checked", String(isChecked));
    }
    button.addEventListener("click", () => {
      run();
      if (this.isOpen) this.#fill();
    });
    return button;
  }
}
