// A menu at a button: arrow keys, Home, End, Escape; the focus goes back to the button.

import { h } from "./dom.js";
import { icon } from "./icons.js";

/** Open a menu of `items` ({icon or emoji, text, run, danger?}); false ones are left out. */
export function openMenu(anchor, items) {
  const close = () => {
    if (menu.isConnected) menu.hidePopover();
  };
  const entries = items.filter(Boolean).map((item) =>
    h(
      "button",
      {
        type: "button",
        role: "menuitem",
        tabindex: "-1",
        class: item.danger ? "danger" : "",
        onclick: () => {
          close();
          anchor.focus();
          item.run();
        },
      },
      item.icon && icon(item.icon),
      item.emoji && h("span", { class: "emoji", "aria-hidden": "true" }, item.emoji),
      h("span", { text: item.text }),
    ),
  );
  const keys = (event) => {
    const at = entries.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (event.key === "Tab") close();
    if (to === undefined) return;
    event.preventDefault();
    entries.at(to % entries.length).focus();
  };
  const menu = h("div", { class: "menu", role: "menu", popover: "auto", onkeydown: keys }, entries);
  menu.addEventListener("toggle", (event) => {
    if (event.newState !== "closed") return;
    anchor.setAttribute("aria-expanded", "false");
    if (menu.contains(document.activeElement) || document.activeElement === document.body) anchor.focus();
    menu.remove();
  });
  (anchor.closest("dialog") ?? document.body).append(menu);
  menu.showPopover();
  anchor.setAttribute("aria-haspopup", "menu");
  anchor.setAttribute("aria-expanded", "true");
  place(menu, anchor.getBoundingClientRect());
  entries[0]?.focus();
}

/** Above or below the button, wherever there is room, and inside the window. */
function place(menu, { left, right, top, bottom }) {
  const { offsetWidth: width, offsetHeight: height } = menu;
  const below = bottom + height + 8 < innerHeight;
  const x = left + width + 8 < innerWidth ? left : right - width;
  menu.style.left = `${Math.max(8, x)}px`;
  menu.style.top = `${Math.max(8, below ? bottom + 4 : top - height - 4)}px`;
}
