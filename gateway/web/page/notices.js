// What the page tells people: notices in the corner, and words for screen readers only.

import { button, h } from "./dom.js";
import { t } from "./i18n.js";

const SECONDS = 7;
const shown = new Map(); // text's key → element; a newer notice of a kind takes the older one's place

/**
 * Show a notice. `kind` "error" interrupts a screen reader and stays until closed; `act` adds a button.
 * Returns a function that takes the notice away.
 */
export function notice(said, { kind = "info", act = null, stays = kind === "error" } = {}) {
  const [key] = [said].flat();
  shown.get(key)?.remove();
  const gone = () => {
    box.remove();
    if (shown.get(key) === box) shown.delete(key);
  };
  const box = h(
    "div",
    { class: `notice ${kind}`, role: kind === "error" ? "alert" : "status" },
    h("p", { text: said }),
    act &&
      h("button", {
        type: "button",
        text: act.text,
        onclick: () => {
          gone();
          act.run();
        },
      }),
    button("close", "dialog.close", gone, { quiet: true, class: "icon" }),
  );
  document.getElementById("notices").append(box);
  shown.set(key, box);
  if (!stays) setTimeout(gone, SECONDS * 1000);
  return gone;
}

/** Words for screen readers only. */
export function announce(key, values) {
  const region = document.getElementById("spoken");
  region.append(h("p", {}, t(key, values)));
  while (region.children.length > 20) region.firstChild.remove();
}
