// The keyboard. Single letters can be switched off (WCAG 2.1.4): they collide with speech input.

import { dialog, h } from "./dom.js";
import { kept } from "./store.js";

const STORED = "passerelle.shortcuts";

const KEYS = {
  m: "microphone",
  v: "camera",
  s: "screen",
  h: "hand",
  c: "chat",
  p: "people",
  l: "layout",
  i: "invite",
  "?": "shortcuts",
};

const enabled = () => kept.get(STORED) ?? true;
const typing = (target) => target.closest("input, textarea, select, [contenteditable], dialog, [role=menu]");

/** Listen on the document; `act` maps names of KEYS to functions; `talk(held)` while the space bar is held. */
export function listenKeys(act, talk) {
  const down = (event) => {
    if (!event.key || event.ctrlKey || event.altKey || event.metaKey || event.repeat || typing(event.target))
      return;
    if (event.key === " " && !event.target.closest("button, a")) {
      event.preventDefault();
      return talk(true);
    }
    const name = KEYS[event.key.toLowerCase()];
    if (!name || !enabled()) return;
    event.preventDefault();
    act[name]();
  };
  const up = (event) => {
    if (event.key === " ") talk(false);
  };
  const away = () => talk(false); // the key is let go where we do not see it
  const leaving = new AbortController();
  const { signal } = leaving;
  document.addEventListener("keydown", down, { signal });
  document.addEventListener("keyup", up, { signal });
  addEventListener("blur", away, { signal });
  return () => leaving.abort();
}

export function shortcutsDialog() {
  const row = (key, text) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", { text }));
  const toggle = h("input", {
    type: "checkbox",
    checked: enabled(),
    onchange: (event) => kept.set(STORED, event.target.checked),
  });
  dialog(
    "shortcuts.title",
    h(
      "dl",
      { class: "keys" },
      Object.entries(KEYS).map(([key, name]) => row(key.toUpperCase(), `shortcuts.${name}`)),
      h("div", {}, h("dt", {}, h("kbd", { text: "shortcuts.space" })), h("dd", { text: "shortcuts.talk" })),
      h("div", {}, h("dt", {}, h("kbd", { text: "shortcuts.escape" })), h("dd", { text: "shortcuts.close" })),
    ),
    h("label", { class: "check" }, toggle, h("span", { text: "shortcuts.letters" })),
  );
}
