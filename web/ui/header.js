// The header: instrument, price, CVD, levels, and the state of connection and feed in words and colour.

import { UNDEF_PRICE } from "../market/market.js";
import { bucketText, clockText, decimals, numberText, priceText, signedText } from "../view/words.js";

const element = (id) => document.getElementById(id);

export class Header {
  constructor(onSelect) {
    this.shown = new Map();
    this.names = "";
    element("symbol").addEventListener("change", ({ target }) => {
      onSelect(target.value);
      element("chart").focus();
    });
  }

  #set(id, text, kind = null) {
    const key = `${text}\n${kind}`;
    if (this.shown.get(id) === key) return;
    this.shown.set(id, key);
    element(id).textContent = text;
    if (kind !== null) element(id).className = kind;
  }

  // `names`: the instruments to choose from; `lod`: the current level of detail, or null.
  update({ names, symbol, market, said, lod, isLocked, isFollowing, reference }) {
    this.#list(names, symbol);
    const key = `${said.text}\n${said.tone}\n${said.detail}`;
    if (this.shown.get("state") !== key) {
      this.shown.set("state", key);
      const state = element("state");
      state.className = said.tone;
      state.title = said.detail;
      state.querySelector("b").textContent = said.text;
    }
    element("live").hidden = isFollowing;
    this.#set("bucket", lod ? `${bucketText(lod.widthNs)}${isLocked ? " locked" : ""}` : "");
    this.#numbers(market, reference);
  }

  #list(names, symbol) {
    const key = names.join("\n");
    const list = element("symbol");
    if (key !== this.names) {
      this.names = key;
      list.replaceChildren(...names.map((name) => new Option(name, name)));
      list.hidden = names.length === 0;
    }
    if (symbol && list.value !== symbol) list.value = symbol;
  }

  #numbers(market, reference) {
    const session = market?.session;
    const name = market && market.symbol !== market.requested ? market.symbol : "";
    this.#set("contract", name);
    if (!session?.tradeCount) {
      for (const id of ["price", "cvd", "since", "vwap", "poc", "area", "sign"]) this.#set(id, "");
      document.title = "flow_gl";
      return;
    }
    const price = (value) => priceText(value, market.tickSize);
    const { profile } = market;
    const cvd = session.cvd - (reference?.cvd ?? 0);
    this.#set("price", price(session.lastPrice));
    this.#set("cvd", `CVD ${signedText(cvd)}`, `number ${cvd > 0 ? "buy" : cvd < 0 ? "sell" : ""}`);
    const since = reference?.time ?? session.cvdSince;
    this.#set("since", since ? `since ${clockText(since, { seconds: since % 60e9 !== 0 })}` : "");
    const vwap = numberText(session.vwap, Math.max(2, decimals(market.tickSize)));
    this.#set("vwap", Number.isFinite(session.vwap) ? `VWAP ${vwap}` : "");
    const hasLevels = profile && profile.poc !== UNDEF_PRICE && profile.row.length;
    this.#set("poc", hasLevels ? `POC ${price(profile.poc)}` : "");
    this.#set("area", hasLevels ? `VA ${price(profile.val)}\u2013${price(profile.vah)}` : "");
    const sign = session.unscheduled
      ? "unscheduled session"
      : session.partial
        ? `data from ${clockText(session.firstTs)}`
        : "";
    this.#set("sign", sign);
    document.title = `${price(session.lastPrice)} ${market.symbol || market.requested} \u00b7 flow_gl`;
  }
}
