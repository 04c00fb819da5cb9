// The meeting's screen: puts the parts together and tells each what it needs to know.

import { Chat } from "./chat.js";
import { Controls } from "./controls.js";
import { button, h, say } from "./dom.js";
import { icon } from "./icons.js";
import { inviteDialog } from "./invite.js";
import { listen } from "./meter.js";
import { announce, notice } from "./notices.js";
import { participantMenu, People } from "./people.js";
import { errorText } from "./screens.js";
import { settingsDialog } from "./settings.js";
import { listenKeys, shortcutsDialog } from "./shortcuts.js";
import { Sound } from "./sound.js";
import { Stage } from "./stage.js";
import { showStatistics } from "./stats.js";

/** The panel at the side: chat or people, one at a time. */
class Panel {
  name = null;
  #parts;
  #heading = h("h2", {});
  #changed;

  constructor(parts, changed) {
    this.#parts = parts;
    this.#changed = changed;
    this.element = h("aside", { class: "panel", hidden: true, onkeydown: (event) => { if (event.key === "Escape") this.toggle(this.name); } },
      h("header", {}, this.#heading, button("close", "panel.close", () => this.toggle(this.name), { quiet: true, class: "icon" })),
      Object.values(parts).map(({ element }) => element));
  }

  toggle(name) {
    const before = this.name;
    this.name = before === name ? null : name;
    this.element.hidden = this.name === null;
    for (const [each, part] of Object.entries(this.#parts)) part.element.hidden = each !== this.name;
    if (this.name) {
      say(this.#heading, `panel.${this.name}`);
      this.#parts[this.name].update();
      this.#parts[this.name].focus();
    }
    this.#changed(before);
  }
}

export function meetingScreen(session, { switchLanguage }) {
  const { state, devices } = session;
  const cleanup = new AbortController();
  const on = (target, name, act) => target.addEventListener(name, act, { signal: cleanup.signal });
  const menu = (key, anchor) => participantMenu(session, stage, key.split(":")[0], anchor);

  const act = {
    panel: (name) => panel.toggle(name),
    invite: () => inviteDialog(session),
    settings: () => settingsDialog(devices, switchLanguage),
    shortcuts: shortcutsDialog,
    statistics: () => showStatistics(session),
    leave: () => session.leave(),
  };
  const alone = h("div", { class: "alone" }, h("p", { text: "meeting.alone" }), button("invite", "control.invite", act.invite, { class: "primary" }));
  const stage = new Stage(session, { menu }, alone);
  const sound = new Sound(session);
  const chat = new Chat(session);
  const people = new People(session, menu);
  const controls = new Controls(session, stage, act);
  let unread = 0;
  const panel = new Panel({ chat, people }, (before) => {
    if (panel.name === "chat") unread = 0;
    controls.badge("chat", unread);
    controls.opened(panel.name);
    if (!panel.name && before) controls.focusPanelButton(before);
  });

  const title = h("h1", { tabindex: "-1" });
  const locked = h("span", { class: "locked", hidden: true }, icon("lock"), h("span", { text: "meeting.locked" }));
  const connection = h("p", { class: "connection", role: "status" });
  const screen = h("div", { class: "meeting" },
    h("header", { class: "bar" }, title, locked, connection, button("invite", "control.invite", act.invite, { class: "quiet" })),
    stage.element, panel.element, controls.element, sound.element);

  const update = () => {
    title.textContent = state.meeting.name;
    locked.hidden = !state.meeting.locked;
    alone.hidden = state.participants.size > 1;
    stage.update();
    controls.update();
    controls.badge("people", state.me?.host ? state.lobby.length : 0);
    if (panel.name) panel.name === "people" ? people.update() : chat.update();
  };
  let drawing = 0;
  const soon = () => { drawing ||= requestAnimationFrame(() => { drawing = 0; update(); }); };
  for (const name of ["participants", "speaking", "lobby", "meeting", "chat"]) on(state, name, soon);
  on(devices, "change", soon);
  on(session, "slots", () => { soon(); sound.update(); });
  on(devices, "change", () => sound.route());

  // What happens is told: in words to all who listen, as notices where somebody has to act.
  on(state, "joined", ({ detail }) => announce("said.joined", { name: detail.name }));
  on(state, "left", ({ detail }) => announce("said.left", { name: detail.participant.name }));
  on(state, "hand", ({ detail }) => { if (!detail.you) notice(["said.hand", { name: detail.name }]); });
  on(state, "reaction", ({ detail }) => {
    stage.react(detail);
    announce("said.reaction", { name: state.participants.get(detail.participant)?.name ?? "", emoji: detail.emoji });
  });
  on(state, "said", ({ detail }) => {
    if (panel.name === "chat" || detail.from === state.you) return;
    unread += 1;
    controls.badge("chat", unread);
    announce("said.chat", { name: detail.name, text: detail.text });
  });
  let knocking = 0;
  on(state, "lobby", () => {
    const waiting = state.me?.host ? state.lobby : [];
    const act = { text: "people.see", run: () => { if (panel.name !== "people") panel.toggle("people"); } };
    if (waiting.length > knocking && panel.name !== "people") notice(["said.waiting", { name: waiting.at(-1).name }], { act });
    knocking = waiting.length;
  });

  on(session, "asked", ({ detail }) => asked(detail.what, devices));
  on(session, "failed", ({ detail }) => notice(errorText(detail.code), { kind: "error" }));
  on(session, "connection", () => {
    const lost = session.connection.state !== "open" ? "connection.lost" : session.rtc?.state === "failed" || session.rtc?.state === "disconnected" ? "connection.media" : null;
    connection.replaceChildren(...(lost ? [h("span", { text: lost })] : []));
    screen.classList.toggle("lost", lost !== null);
    if (!lost) stage.wantAgain();
  });
  on(devices, "trouble", ({ detail }) => notice(`trouble.${detail.source}.${detail.reason}`, { kind: "error" }));

  const stopListening = listen(devices, (_, speaking) => {
    if (speaking && !devices.on.microphone) notice("meeting.you_are_muted");
  });
  let talking = false; // by the space bar
  const talk = (held) => {
    if (held === talking || (held && devices.isOn("microphone"))) return;
    talking = held;
    devices.turn("microphone", held);
  };
  const stopKeys = listenKeys({
    microphone: () => devices.turn("microphone", !devices.isOn("microphone")),
    camera: () => devices.turn("camera", !devices.isOn("camera")),
    screen: () => controls.share(),
    hand: () => controls.hand(),
    chat: () => panel.toggle("chat"),
    people: () => panel.toggle("people"),
    layout: () => controls.layout(),
    invite: act.invite,
    shortcuts: act.shortcuts,
  }, talk);

  screen.gone = () => {
    cleanup.abort();
    stopListening();
    stopKeys();
    stage.gone();
  };
  update();
  sound.update();
  return screen;
}

/** A host asks: muting and stopping happen at once (the server lets nothing through), unmuting is ours to do. */
function asked(what, devices) {
  if (what === "mute") devices.turn("microphone", false).then(() => notice("asked.mute"));
  if (what === "stop_share") { devices.unshare(); notice("asked.stop_share"); }
  if (what === "unmute") notice("asked.unmute", { stays: true, act: { text: "control.microphone.on", run: () => devices.turn("microphone", true) } });
}
