// The list of participants, the waiting room, and what a host may do.

import { arrange, button, confirm, dialog, h, keepFocus, say } from "./dom.js";
import { icon } from "./icons.js";
import { openMenu } from "./menu.js";
import { notice } from "./notices.js";
import { showStatistics } from "./stats.js";
import { drawFace, drawMicrophone, face } from "./tiles.js";

/** What can be done about one participant, as a menu at `anchor`. */
export function participantMenu(session, stage, id, anchor) {
  const { state } = session;
  const participant = state.participants.get(id);
  if (!participant) return;
  const { name, you, microphone, screen, hand, host, kind } = participant;
  const isHost = state.me?.host;
  const send = (type, fields) => () => session.send(type, { participant: id, ...fields });
  const mayAsk = isHost && !you && !microphone && kind === "browser"; // telephones have a key of their own for it
  const askUnmute = () => {
    if (session.send("ask_unmute", { participant: id })) notice(["people.asked_unmute", { name }]);
  };
  const demote = () =>
    you
      ? confirm("people.step_down", "people.step_down.question", ["people.step_down", send("demote")])
      : send("demote")();
  openMenu(anchor, [
    { icon: "pin", text: stage.pinned === id ? "people.unpin" : "people.pin", run: () => stage.pin(id) },
    isHost && !you && microphone && { icon: "muted", text: "people.mute", run: send("mute") },
    mayAsk && { icon: "microphone", text: "people.ask_unmute", run: askUnmute },
    isHost && hand != null && { icon: "hand", text: "people.lower_hand", run: send("lower_hand") },
    isHost && !you && screen && { icon: "screen", text: "people.stop_share", run: send("stop_share") },
    (isHost || you) && { icon: "person", text: "people.rename", run: () => rename(session, participant) },
    isHost && !host && kind === "browser" && { icon: "star", text: "people.promote", run: send("promote") },
    isHost && host && { icon: "star", text: you ? "people.step_down" : "people.demote", run: demote },
    { icon: "chart", text: "people.statistics", run: () => showStatistics(session, id) },
    isHost &&
      !you && { icon: "close", text: "people.remove", run: () => remove(session, participant), danger: true },
  ]);
}

/** Nobody knows them if they come back, unless the door is locked behind them; a host's key goes through locks. */
function remove(session, { id, name, key }) {
  const removed = () => session.send("remove", { participant: id });
  const locked = () => session.send("lock", { locked: true }) && removed();
  const { me, meeting } = session.state;
  const open = !meeting.locked;
  confirm(
    ["people.remove.title", { name }],
    `people.remove.${key && me.key ? "host" : open ? "guest" : "locked"}`,
    ...(open ? [["people.remove_and_lock", locked]] : []),
    ["people.remove", removed],
  );
}

function rename(session, { id, name }) {
  const field = h("input", { id: "rename", required: true, maxLength: 60, value: name, autocomplete: "off" });
  const submit = (event) => {
    event.preventDefault();
    const chosen = field.value.trim();
    if (chosen) session.send("rename", { participant: id, name: chosen });
    box.close();
  };
  const box = dialog(
    "people.rename",
    h(
      "form",
      { onsubmit: submit },
      h("label", { for: "rename", text: "people.new_name" }),
      field,
      h("footer", {}, h("button", { type: "submit", class: "primary", text: "dialog.save" })),
    ),
  );
  field.select();
}

/** A participant's line, updated in place. */
class Line {
  #face = h("span", {});
  #name = h("span", { class: "name" });
  #role = h("span", { class: "role" });
  #hand = h(
    "span",
    { class: "hand", hidden: true },
    icon("hand"),
    h("span", { class: "unseen", text: "people.hand" }),
  );
  #microphone = icon("microphone");
  #heard = h("span", { class: "unseen" });
  #more;

  constructor(id, menu) {
    this.#more = button("more", "people.menu", () => menu(id, this.#more), {
      quiet: true,
      class: "icon",
      "aria-haspopup": "menu",
    });
    this.element = h(
      "li",
      {},
      this.#face,
      h("span", { class: "who" }, this.#name, this.#role),
      this.#hand,
      this.#microphone,
      this.#heard,
      this.#more,
    );
  }

  update(participant, speaking) {
    const { name, kind, you, host, hand, microphone } = participant;
    drawFace(this.#face, participant);
    say(this.#name, [you ? "tile.you" : "tile.name", { name }]);
    const role = host ? "people.host" : { phone: "people.phone", room: "people.room" }[kind];
    this.#role.hidden = !role;
    if (role) say(this.#role, role);
    this.#hand.hidden = hand == null;
    drawMicrophone(this.#microphone, microphone);
    say(this.#heard, microphone ? "people.unmuted" : "people.muted");
    say(this.#more, ["people.menu", { name }], "tip");
    this.element.classList.toggle("speaking", speaking);
  }
}

export class People {
  #session;
  #menu;
  #lines = new Map();
  #list = h("ul", { label: "people.list" });
  #count = h("h3", { tabindex: "-1" });
  #waiting = h("ul", { label: "people.waiting_list" });
  #waitingCount = h("h3", { tabindex: "-1" });
  #all = h(
    "span",
    { class: "all" },
    button(null, "people.refuse_all", () => this.#refuseAll()),
    button(null, "people.admit_all", () => this.#session.send("admit", { all: true }), { class: "primary" }),
  );
  #lobby = h(
    "section",
    { class: "lobby", hidden: true },
    h("header", {}, this.#waitingCount, this.#all),
    this.#waiting,
  );
  #lock = button("lock", "people.lock", () =>
    this.#session.send("lock", { locked: !this.#session.state.meeting.locked }),
  );
  #host;

  constructor(session, menu) {
    this.#session = session;
    this.#menu = menu;
    const end = () => confirm("people.end", "people.end.question", ["people.end", () => session.send("end")]);
    this.#host = h(
      "div",
      { class: "hosting", hidden: true },
      this.#lock,
      button("muted", "people.mute_all", () => session.send("mute_all")),
      button("leave", "people.end", end, { class: "danger quiet" }),
    );
    this.element = h(
      "section",
      { class: "people", tabindex: "-1" },
      h("div", { class: "scroll" }, this.#lobby, h("section", {}, h("header", {}, this.#count), this.#list)),
      this.#host,
    );
  }

  /** On what is there first, and on no button: nobody is let in by a key too many. */
  focus() {
    (this.#lobby.hidden ? this.#count : this.#waitingCount).focus();
  }

  update() {
    keepFocus(this.element, () => this.#draw());
  }

  #draw() {
    const { state } = this.#session;
    const people = [...state.participants.values()].sort(inOrder);
    for (const id of this.#lines.keys()) if (!state.participants.has(id)) this.#lines.delete(id);
    for (const participant of people) {
      if (!this.#lines.has(participant.id))
        this.#lines.set(participant.id, new Line(participant.id, this.#menu));
      this.#lines.get(participant.id).update(participant, state.speaking.includes(participant.id));
    }
    arrange(
      this.#list,
      people.map(({ id }) => this.#lines.get(id).element),
    );
    say(this.#count, ["people.count", { count: people.length }]);
    this.#host.hidden = !state.me?.host;
    say(this.#lock.querySelector("span"), state.meeting.locked ? "people.unlock" : "people.lock");
    this.#updateLobby(state.me?.host ? state.lobby : []);
  }

  #updateLobby(waiting) {
    this.#lobby.hidden = waiting.length === 0;
    say(this.#waitingCount, ["people.waiting", { count: waiting.length }]);
    this.#all.hidden = waiting.length < 2;
    const known = new Map([...this.#waiting.children].map((line) => [line.dataset.id, line]));
    arrange(
      this.#waiting,
      waiting.map((person) => known.get(person.id) ?? this.#waitingLine(person)),
    );
  }

  #refuseAll() {
    const refuse = () => this.#session.send("refuse", { all: true });
    confirm("people.refuse_all.title", "people.refuse_all.question", ["people.refuse_all", refuse]);
  }

  #waitingLine(person) {
    const decide = (type) => () => this.#session.send(type, { participant: person.id });
    const named = { name: person.name };
    const line = h(
      "li",
      {},
      face(person),
      h("span", { class: "who" }, person.name),
      button(null, "people.refuse", decide("refuse"), { label: ["people.refuse_one", named] }),
      button(null, "people.admit", decide("admit"), { class: "primary", label: ["people.admit_one", named] }),
    );
    line.dataset.id = person.id;
    return line;
  }
}

/** Raised hands first, in their order; then me, then by name. */
function inOrder(a, b) {
  return (a.hand ?? Infinity) - (b.hand ?? Infinity) || b.you - a.you || a.name.localeCompare(b.name);
}
