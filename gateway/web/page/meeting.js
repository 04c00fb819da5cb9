// The meeting's screen: puts the parts together and tells each what it needs to know.

import { Chat } from "./chat.js";
import { Controls } from "./controls.js";
import { button, h } from "./dom.js";
import { icon } from "./icons.js";
import { inviteDialog } from "./invite.js";
import { listen } from "./meter.js";
import { tellNews } from "./news.js";
import { notice } from "./notices.js";
import { Panel } from "./panel.js";
import { participantMenu, People } from "./people.js";
import { settingsDialog } from "./settings.js";
import { listenKeys, shortcutsDialog } from "./shortcuts.js";
import { Sound } from "./sound.js";
import { Stage } from "./stage.js";
import { showStatistics } from "./stats.js";

export function meetingScreen(session) {
  return new Meeting(session).element;
}

class Meeting {
  #session;
  #leaving = new AbortController();
  #stage;
  #sound;
  #controls;
  #panel;
  #unread = 0;
  #drawing = 0;
  #talking = false; // by the space bar
  #title = h("h1", { tabindex: "-1" });
  #locked = h("span", { class: "locked", hidden: true }, icon("lock"), h("span", { text: "meeting.locked" }));
  #connection = h("p", { class: "connection", role: "status" });
  #alone;

  constructor(session) {
    this.#session = session;
    const act = this.#actions();
    const menu = (key, anchor) => participantMenu(session, this.#stage, key.split(":")[0], anchor);
    this.#alone = h(
      "div",
      { class: "alone" },
      h("p", { text: "meeting.alone" }),
      button("invite", "control.invite", act.invite, { class: "primary" }),
    );
    this.#stage = new Stage(session, { menu }, this.#alone);
    this.#sound = new Sound(session);
    this.#controls = new Controls(session, this.#stage, act);
    this.#panel = new Panel({ chat: new Chat(session), people: new People(session, menu) });
    const invite = button("invite", "control.invite", act.invite, { class: "quiet" });
    const skip = button(null, "meeting.skip", () => this.#controls.focus(), { class: "skip" });
    this.element = h(
      "div",
      { class: "meeting" },
      h("header", { class: "bar" }, this.#title, skip, this.#locked, this.#connection, invite),
      this.#stage.element,
      this.#panel.element,
      this.#controls.element,
      this.#sound.element,
    );
    this.#follow(act);
    this.#update();
    this.#sound.update();
  }

  #actions() {
    const session = this.#session;
    return {
      panel: (name) => this.#panel.toggle(name),
      invite: () => inviteDialog(session),
      settings: () => settingsDialog(session.devices),
      shortcuts: shortcutsDialog,
      statistics: () => showStatistics(session),
      leave: () => session.leave(),
    };
  }

  /** Listen to everything that changes what is shown, until the screen is left. */
  #follow(act) {
    const { state, devices } = this.#session;
    const signal = this.#leaving.signal;
    const on = (target, name, act) => target.addEventListener(name, act, { signal });
    for (const name of ["participants", "speaking", "lobby", "meeting", "chat"]) {
      on(state, name, () => this.#soon());
    }
    on(state, "reaction", ({ detail }) => this.#stage.react(detail));
    on(state, "said", ({ detail }) => this.#said(detail));
    on(this.#session, "connection", () => this.#connectionChanged());
    on(this.#session, "slots", () => {
      this.#soon();
      this.#sound.update();
    });
    on(devices, "change", () => {
      this.#soon();
      this.#sound.route();
    });
    on(this.#panel, "change", ({ detail }) => this.#panelChanged(detail));
    tellNews(this.#session, this.#panel, signal);
    const stops = [
      stayAwake(),
      listenKeys(this.#keys(act), (held) => this.#talk(held)),
      listen(devices, (_, speaking) => {
        if (speaking && !devices.on.microphone) notice("meeting.you_are_muted");
      }),
    ];
    this.element.gone = () => {
      this.#leaving.abort();
      for (const stop of stops) stop();
      this.#stage.gone();
    };
  }

  #keys(act) {
    const { devices } = this.#session;
    return {
      microphone: () => devices.toggle("microphone"),
      camera: () => devices.toggle("camera"),
      screen: () => this.#controls.share(),
      hand: () => this.#controls.hand(),
      chat: () => act.panel("chat"),
      people: () => act.panel("people"),
      layout: () => this.#controls.layout(),
      invite: act.invite,
      shortcuts: act.shortcuts,
    };
  }

  #talk(held) {
    const { devices } = this.#session;
    if (held === this.#talking || (held && devices.isOn("microphone"))) return;
    this.#talking = held;
    devices.turn("microphone", held);
  }

  /** Much may happen at once: draw it once. */
  #soon() {
    this.#drawing ||= requestAnimationFrame(() => {
      this.#drawing = 0;
      this.#update();
    });
  }

  #update() {
    const { state } = this.#session;
    this.#title.textContent = state.meeting.name;
    this.#locked.hidden = !state.meeting.locked;
    this.#alone.hidden = state.participants.size > 1;
    this.#stage.update();
    this.#controls.update();
    this.#controls.badge("people", state.me?.host ? state.lobby.length : 0);
    this.#panel.update();
  }

  #said({ from }) {
    if (this.#panel.name === "chat" || from === this.#session.state.you) return;
    this.#unread += 1;
    this.#controls.badge("chat", this.#unread);
  }

  #panelChanged(before) {
    if (this.#panel.name === "chat") this.#unread = 0;
    this.#controls.badge("chat", this.#unread);
    this.#controls.opened(this.#panel.name);
    if (!this.#panel.name && before) this.#controls.focusPanelButton(before);
  }

  #connectionChanged() {
    const { connection, rtc, restarting } = this.#session;
    const broken = ["failed", "disconnected"].includes(rtc?.state);
    const lost = restarting ? "connection.restarting" : "connection.lost";
    const trouble = connection.state !== "open" ? lost : broken ? "connection.media" : null;
    const said = trouble ?? (restarting ? "connection.restarts_soon" : null);
    this.#connection.replaceChildren(...(said ? [h("span", { text: said })] : []));
    if (!trouble) this.#stage.wantAgain();
  }
}

/** Keep a telephone's screen on while the page is visible. Returns a function that lets it sleep. */
function stayAwake() {
  let lock = null;
  const take = async () => {
    if (document.visibilityState !== "visible") return;
    lock = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
  };
  document.addEventListener("visibilitychange", take); // the browser takes it back from hidden pages
  take();
  return () => {
    document.removeEventListener("visibilitychange", take);
    lock?.release();
  };
}
