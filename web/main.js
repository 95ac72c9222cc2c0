// Starts the page: fetches chart.json, loads the font, and connects.

import { App } from "./app.js";
import { loadFonts } from "./gl/atlas.js";

function tell(text) {
  const notice = document.getElementById("notice");
  notice.textContent = text;
  notice.hidden = false;
}

async function start() {
  const answer = await fetch("chart.json");
  if (!answer.ok) throw new Error(`the server answered ${answer.status} for chart.json`);
  const settings = await answer.json();
  await loadFonts();
  const url = new URL("ws", location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  return new App(settings, document.getElementById("chart"), url.href);
}

export const app = await start().catch((error) => {
  console.error(error);
  tell(`The chart cannot start: ${error.message}`);
  return null;
});
