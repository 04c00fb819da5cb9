// One tile: a picture or a face for those without one, a name, and what they are doing.

import { button, carry, h, say } from "./dom.js";
import { icon, redraw } from "./icons.js";

const HUES = 8;

/** Up to two initials: "Jeanne d'Arc" → "JD". */
function initials(name) {
  const words = name.split(/[\s_-]+/).filter((word) => /^\p{L}|\p{N}/u.test(word));
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  return letters
    .map((word) => [...word][0])
    .join("")
    .toUpperCase();
}

/** A picture for one without. */
export function face({ id, name, kind }) {
  const hue = [...id].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 997, 7) % HUES;
  const drawn = { phone: "phone", room: "room" }[kind];
  return h(
    "span",
    { class: `face hue-${hue}`, "aria-hidden": "true" },
    drawn ? icon(drawn) : initials(name) || icon("person"),
  );
}

/** Draw somebody's face into `place`, unless it is there. */
export function drawFace(place, participant) {
  const whose = `${participant.kind}${participant.name}`;
  if (place.dataset.whose === whose) return;
  place.dataset.whose = whose;
  place.replaceChildren(face(participant));
}

export function drawMicrophone(svg, on) {
  redraw(svg, on ? "microphone" : "muted");
  svg.classList.toggle("muted", !on);
}

export class Tile {
  #video = h("video", {
    muted: true,
    autoplay: true,
    playsInline: true,
    hidden: true,
    "aria-hidden": "true",
  });
  #face = h("span");
  #name = h("span", { class: "name" });
  #microphone = icon("microphone");
  #status = h("span", { class: "unseen" });
  #hand = h("span", { class: "hand", hidden: true }, icon("hand"));
  #reaction = h("span", { class: "reaction", "aria-hidden": "true" });
  #pin;
  #menu;

  /** `source` is "camera" or "screen"; `act` has `pin(key)` and `menu(key, anchor)`. */
  constructor(key, source, act) {
    this.key = key;
    this.source = source;
    this.#pin = button("pin", "tile.pin", () => act.pin(key), { quiet: true, class: "icon" });
    this.#menu = button("more", "tile.menu", () => act.menu(key, this.#menu), { quiet: true, class: "icon" });
    this.element = h(
      "li",
      { class: `tile ${source}` },
      this.#video,
      this.#face,
      this.#hand,
      this.#reaction,
      h("div", { class: "caption" }, source === "camera" && this.#microphone, this.#name, this.#status),
      h("div", { class: "actions" }, this.#pin, this.#menu),
    );
    this.element.addEventListener("dblclick", (event) => {
      if (!event.target.closest("button")) act.pin(key);
    });
  }

  get height() {
    return this.element.offsetHeight;
  }

  update(participant, { speaking, pinned, order }) {
    const { name, kind, microphone, hand, you } = participant;
    drawFace(this.#face, participant);
    say(this.#name, [this.source === "screen" ? "tile.screen_of" : you ? "tile.you" : "tile.name", { name }]);
    drawMicrophone(this.#microphone, microphone);
    say(
      this.#status,
      `tile.status.${kind}${this.source === "screen" ? ".screen" : microphone ? "" : ".muted"}`,
    );
    this.#hand.hidden = hand == null || this.source === "screen";
    if (order) this.#hand.dataset.order = order;
    this.element.classList.toggle("speaking", speaking && this.source === "camera");
    this.element.classList.toggle("mine", you && this.source === "camera");
    this.element.classList.toggle("pinned", pinned);
    say(this.#pin, [pinned ? "tile.unpin" : "tile.pin", { name }], "tip");
    say(this.#menu, ["tile.menu", { name }], "tip");
  }

  /** Show this picture, or the face when there is none. */
  show(track) {
    carry(this.#video, track);
    this.#video.hidden = !track;
    this.#face.hidden = Boolean(track);
    if (track && this.#video.paused) this.#video.play().catch(() => {}); // muted: only a newer source stops it
  }

  react(emoji) {
    const shown = h("span", {}, emoji);
    this.#reaction.append(shown);
    setTimeout(() => shown.remove(), 4000);
  }
}
