// The panel at the side: chat or people, one at a time.

import { button, h, say } from "./dom.js";
import { Emitter } from "./events.js";

/** Event: "change" (detail: the name of what was shown before). */
export class Panel extends Emitter {
  name = null; // of what is shown
  #parts;
  #heading = h("h2", { id: "panel-title" });

  /** `parts`: name → {element, update(), focus()}. */
  constructor(parts) {
    super();
    this.#parts = parts;
    const close = () => this.toggle(this.name);
    const keys = (event) => {
      if (event.key === "Escape") close();
    };
    this.element = h(
      "aside",
      { class: "panel", hidden: true, onkeydown: keys, "aria-labelledby": "panel-title" },
      h("header", {}, this.#heading, button("close", "panel.close", close, { quiet: true, class: "icon" })),
      Object.values(parts).map(({ element }) => element),
    );
  }

  show(name) {
    if (this.name !== name) this.toggle(name);
  }

  toggle(name) {
    const before = this.name;
    this.name = before === name ? null : name;
    this.element.hidden = this.name === null;
    for (const [each, part] of Object.entries(this.#parts)) part.element.hidden = each !== this.name;
    if (this.name) {
      say(this.#heading, `panel.${this.name}`);
      this.update();
      this.#parts[this.name].focus();
    }
    this.emit("change", before);
  }

  update() {
    this.#parts[this.name]?.update();
  }
}
