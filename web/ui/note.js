// A message over the chart that disappears by itself.

const NOTE_S = 4;
let timer;

export function note(text) {
  if (!text) return;
  const line = document.getElementById("note");
  line.textContent = text;
  line.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(() => {
    line.hidden = true;
  }, 1000 * NOTE_S);
}
