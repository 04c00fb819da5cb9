// The small screens: the start page, what is shown while one waits, and when it is over.

import { createMeeting } from "./api.js";
import { button, follow, h, retranslate, say } from "./dom.js";
import { choose, has, language, LANGUAGES } from "./i18n.js";
import { icon } from "./icons.js";
import { keepKey } from "./key.js";

/** A small screen: its banner, and below it what it is for. */
export function screen(name, main) {
  const logo = h("img", { src: new URL("icon.svg", import.meta.url).href, alt: "" });
  const banner = h("header", {}, h("p", { class: "brand" }, logo, "Passerelle"), languageChoice());
  return h("div", { class: `entry ${name}` }, banner, main);
}

export function languageChoice() {
  const options = Object.entries(LANGUAGES).map(([tag, name]) =>
    h("option", { value: tag, selected: tag === language, lang: tag }, name),
  );
  const change = async ({ target }) => {
    await choose(target.value);
    retranslate();
  };
  return h("select", { label: "language", class: "language", onchange: change }, options);
}

/** A text of `error.<code>`, or a general one for codes of later servers; `wait`: seconds until it passes. */
export const errorText = (code, wait = 0) => [
  has(`error.${code}`) ? `error.${code}` : "error.unexpected",
  { count: Math.max(1, Math.ceil(wait / 60)) },
];

function createForm(trouble) {
  const title = h("input", { id: "title", name: "title", maxLength: 80, autocomplete: "off" });
  const made = button("camera", "start.create", null, { class: "primary wide", type: "submit" });
  const create = async (event) => {
    event.preventDefault();
    made.disabled = true;
    try {
      const { host_link, link } = await createMeeting(title.value.trim());
      location.assign(keepKey(host_link ?? link));
    } catch (error) {
      say(trouble, error.code === "no_room" ? "start.not_offered" : errorText(error.code, error.wait));
      made.disabled = false;
    }
  };
  return h("form", { onsubmit: create }, h("label", { for: "title", text: "start.name" }), title, made);
}

function openForm(trouble) {
  const name = h("input", {
    id: "room",
    name: "room",
    required: true,
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: false,
    "aria-describedby": "trouble",
    hint: "start.room_hint",
  });
  const open = (event) => {
    event.preventDefault();
    const target = roomOf(name.value);
    if (target) location.assign(keepKey(target));
    else {
      say(trouble, "start.bad_room");
      name.ariaInvalid = "true";
      name.focus();
    }
  };
  return h(
    "form",
    { onsubmit: open, novalidate: true },
    h("label", { for: "room", text: "start.room" }),
    h("div", { class: "row field-row" }, name, h("button", { type: "submit", text: "start.open" })),
  );
}

export function startScreen() {
  const trouble = h("p", { class: "trouble", role: "alert", id: "trouble" });
  return screen(
    "start",
    h(
      "main",
      { class: "card" },
      h("h1", { text: "start.title", tabindex: "-1" }),
      h("p", { class: "lead", text: "start.lead" }),
      createForm(trouble),
      h("p", { class: "or", text: "start.or" }),
      openForm(trouble),
      trouble,
    ),
  );
}

/** The page of a room, from its name or from a link that was pasted. Null when it is neither. */
function roomOf(text) {
  const link = /^https?:\/\/[^/]+(\/r\/[^/?#]+)\/?(?:\?[^#]*)?(#.*)?$/.exec(text.trim());
  if (link) return link[1] + (link[2] ?? "");
  const slug = text.trim().toLowerCase().replace(/\s+/g, "-");
  return /^[\p{L}\p{N}_.-]+$/u.test(slug) ? `/r/${encodeURIComponent(slug)}` : null;
}

const AWAITED = { host: "lock", service: "people" };

/** The page waits for a host's word, or for the service to answer, and goes on by itself. */
export function waitingScreen(whom, session, name) {
  const lead = h("p", { class: "lead", role: "status" });
  follow(lead, session, ["host"], () =>
    say(lead, session.hostThere || whom !== "host" ? `waiting.${whom}.lead` : "waiting.host.none"),
  );
  return screen(
    "waiting",
    h(
      "main",
      { class: "card" },
      h("div", { class: "pulse", "aria-hidden": "true" }, icon(AWAITED[whom])),
      h("p", { class: "kicker" }, name),
      h("h1", { text: `waiting.${whom}.title`, tabindex: "-1" }),
      lead,
      button(null, "waiting.leave", () => session.leave()),
    ),
  );
}

/** `reason` is why: "left", "ended", "removed" …, or the code of an error. */
export function overScreen(reason, { again = null, name = null } = {}) {
  const calm = has(`over.${reason}`);
  const failure = has(`error.${reason}.title`) ? `error.${reason}.title` : "over.failed";
  return screen(
    "over",
    h(
      "main",
      { class: "card" },
      name && h("p", { class: "kicker" }, name),
      h("h1", { text: calm ? `over.${reason}` : failure, tabindex: "-1" }),
      h("p", { class: "lead", text: calm ? `over.${reason}.lead` : errorText(reason) }),
      h(
        "div",
        { class: "row" },
        again && button(null, calm ? "over.again" : "over.retry", again, { class: "primary" }),
        h("a", { class: "button", href: "/", text: "over.start" }),
      ),
    ),
  );
}
