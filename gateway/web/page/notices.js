// What the page tells people: notices in the corner, and words for screen readers only. Both regions are live and
// there from the beginning: what is put into a region that came with it is not read out everywhere.

import { button, h, say } from "./dom.js";
import { t } from "./i18n.js";

const SECONDS = 7;
const shown = new Map(); // text's key → element; a newer notice of a kind takes the older one's place

/** Show `parts` as a notice about `said`. Returns a function that takes it away. */
function show(said, kind, role, parts) {
  const [key] = [said].flat();
  shown.get(key)?.remove();
  const gone = () => {
    box.remove();
    if (shown.get(key) === box) shown.delete(key);
  };
  const box = h("div", { class: `notice ${kind}`, role }, h("p", { text: said }), parts(gone));
  document.getElementById("notices").append(box);
  shown.set(key, box);
  return gone;
}

/** A button of a notice, which then has done its duty. */
function answer(gone, { text, run }, props) {
  const onclick = () => {
    gone();
    run?.();
  };
  return h("button", { type: "button", text, onclick, ...props });
}

/**
 * Show a notice. `kind` "error" interrupts a screen reader and stays until closed; `act` adds a button.
 * Returns a function that takes the notice away.
 */
export function notice(said, { kind = "info", act = null, stays = kind === "error" } = {}) {
  const gone = show(said, kind, kind === "error" && "alert", (gone) => [
    act && answer(gone, act),
    button("close", "dialog.close", gone, { quiet: true, class: "icon" }),
  ]);
  if (!stays) setTimeout(gone, SECONDS * 1000);
  return gone;
}

/**
 * Ask something that can wait: the focus stays where it is, so that nobody who is typing says yes by accident.
 * Returns a function that takes the question away.
 */
export function ask(said, yes, no) {
  const gone = show(said, "question", "dialog", (gone) => [
    h("div", { class: "row" }, answer(gone, yes, { class: "primary" }), answer(gone, no)),
  ]);
  const box = shown.get([said].flat()[0]);
  say(box, said, "label");
  box.addEventListener("keydown", ({ key }) => key === "Escape" && gone());
  return gone;
}

/** Words for screen readers only. */
export function announce(key, values) {
  const region = document.getElementById("spoken");
  region.append(h("p", {}, t(key, values)));
  while (region.children.length > 20) region.firstChild.remove();
}
