// Elements, made in one line each, that follow when the language is switched.

import { icon } from "./icons.js";
import { t } from "./i18n.js";

const TARGETS = {
  text: (element, text) => {
    element.textContent = text;
  },
  label: (element, text) => {
    element.setAttribute("aria-label", text);
  },
  tip: (element, text) => {
    element.title = text;
    element.setAttribute("aria-label", text);
  },
  hint: (element, text) => {
    element.placeholder = text;
  },
};
const translated = new WeakMap(); // element → {target: [key, values]}

/** Take the text away that `say` gave. */
export function hush(element) {
  translated.delete(element);
  element.textContent = "";
}

/** Give an element a text from the catalogue: `said` is a key, or [key, values]. */
export function say(element, said, target = "text") {
  const [key, values] = [said].flat();
  const all = translated.get(element) ?? {};
  const before = all[target];
  if (before?.[0] === key && JSON.stringify(before[1]) === JSON.stringify(values)) return;
  all[target] = [key, values];
  translated.set(element, all);
  element.dataset.t = "";
  TARGETS[target](element, t(key, values));
}

/** Say everything again, in the language that has been loaded since. */
export function retranslate() {
  for (const element of document.querySelectorAll("[data-t]")) {
    for (const [target, said] of Object.entries(translated.get(element) ?? {})) {
      TARGETS[target](element, t(...said));
    }
  }
}

/**
 * An element. Of `props`, those named in TARGETS are texts, `on…` listeners; what is no string is set as a
 * property, the rest as attributes.
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value == null || value === false) continue;
    if (name in TARGETS) say(element, value, name);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

/** A button with an icon; `said` is its text, or (with `quiet`) its label and tip. */
export function button(name, said, onclick, { quiet = false, ...props } = {}) {
  return h(
    "button",
    { type: "button", onclick, ...(quiet ? { tip: said } : {}), ...props },
    name && icon(name),
    !quiet && h("span", { text: said }),
  );
}

/** Keep an element as it should be: `update` now, and at these events of `target` until it has left the page. */
export function follow(element, target, names, update) {
  let shown = false;
  const changed = () => {
    shown ||= element.isConnected;
    if (element.isConnected || !shown) return update();
    for (const name of names) target.removeEventListener(name, changed);
  };
  for (const name of names) target.addEventListener(name, changed);
  update();
}

/** Let a video or audio element play this track, or nothing. True when it did not do so already. */
export function carry(element, track) {
  if ((element.srcObject?.getTracks()[0] ?? null) === track) return false;
  element.srcObject = track && new MediaStream([track]);
  return true;
}

/** Draw, and leave the focus where it is, or give it to `place` when what had it is there no more. */
export function keepFocus(place, draw) {
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  draw();
  if (focused && focused !== document.activeElement) (focused.isConnected ? focused : place).focus();
}

/** Put `nodes` into `parent` in this order, touching only what has to move. */
export function arrange(parent, nodes) {
  for (const child of [...parent.children]) if (!nodes.includes(child)) child.remove();
  nodes.forEach((node, index) => {
    const there = parent.children[index] ?? null;
    if (there === node) return;
    if (node.isConnected && parent.moveBefore) parent.moveBefore(node, there);
    else parent.insertBefore(node, there);
  });
}

/**
 * A modal dialog: the focus stays inside, Escape closes, and the focus goes back to where it came from. It begins
 * at what is marked `data-first`: `autofocus` is once for each document, and complains when it comes late.
 */
export function dialog(title, ...body) {
  const heading = h("h2", { text: title, id: "dialog-title" });
  const close = button("close", "dialog.close", () => box.close(), { quiet: true, class: "icon" });
  const box = h("dialog", { "aria-labelledby": heading.id }, h("header", {}, heading, close), ...body);
  box.addEventListener("click", (event) => {
    if (event.target === box) box.close();
  });
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
  box.querySelector("[data-first]")?.focus();
  return box;
}

/** Ask before something that cannot be taken back. `answers` are those that do it: [text, act] each. */
export function confirm(title, question, ...answers) {
  const box = dialog(
    title,
    h("p", { text: question }),
    h(
      "footer",
      {},
      h("button", { type: "button", text: "dialog.cancel", "data-first": true, onclick: () => box.close() }),
      answers.map(([text, act]) => {
        const onclick = () => {
          box.close();
          act();
        };
        return h("button", { type: "button", class: "danger", text, onclick });
      }),
    ),
  );
}

export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter(Boolean));
}
