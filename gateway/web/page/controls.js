// The bar at the bottom: what I do in the meeting.

import { button, h, say } from "./dom.js";
import { openMenu } from "./menu.js";
import { notice } from "./notices.js";
import { deviceSwitch } from "./prejoin.js";

const EMOJI = { agree: "👍", applaud: "👏", heart: "❤️", laugh: "😂", surprise: "😮", party: "🎉" };

export class Controls {
  #session;
  #stage;
  #screen = button("screen", "control.screen.on", () => this.share(), {
    quiet: true,
    class: "round wide-only",
  });
  #hand = button("hand", "control.hand.raise", () => this.hand(), { quiet: true, class: "round" });
  #react = button("smile", "control.react", () => this.reactions(), {
    quiet: true,
    class: "round wide-only",
    "aria-haspopup": "menu",
  });
  #layout = button("speaker", "control.layout.speaker", () => this.layout(), {
    quiet: true,
    class: "round wide-only",
  });
  #more = button("more", "control.more", () => this.#menu(), {
    quiet: true,
    class: "round",
    "aria-haspopup": "menu",
  });
  #badges = {};
  #toggles = {};

  /** `act`: panel(name), invite(), settings(), shortcuts(), statistics(), leave(). */
  constructor(session, stage, act) {
    this.#session = session;
    this.#stage = stage;
    this.act = act;
    const { devices } = session;
    this.element = h(
      "footer",
      { class: "controls", role: "group", label: "control.label" },
      h(
        "div",
        {},
        deviceSwitch("microphone", devices, { class: "round" }),
        deviceSwitch("camera", devices, { class: "round" }),
        devices.canShare && this.#screen,
        this.#hand,
        this.#react,
      ),
      h("div", {}, this.#panelButton("chat"), this.#panelButton("people"), this.#layout, this.#more),
      button("leave", "control.leave", act.leave, { quiet: true, class: "round leave" }),
    );
  }

  /** Switches that show or hide a panel, with a number when something happened meanwhile. */
  #panelButton(name) {
    const badge = h("span", { class: "badge", hidden: true });
    const made = button(name, `control.${name}`, () => this.act.panel(name), {
      quiet: true,
      class: "round",
      "aria-expanded": "false",
    });
    made.append(badge);
    this.#badges[name] = badge;
    this.#toggles[name] = made;
    return made;
  }

  badge(name, count) {
    this.#badges[name].hidden = count === 0;
    this.#badges[name].textContent = count > 99 ? "99+" : count;
    say(this.#toggles[name], count ? [`control.${name}.news`, { count }] : `control.${name}`, "tip");
  }

  opened(panel) {
    for (const [name, toggle] of Object.entries(this.#toggles)) {
      toggle.setAttribute("aria-expanded", String(name === panel));
      toggle.classList.toggle("active", name === panel);
    }
  }

  focus() {
    this.element.querySelector("button").focus();
  }

  focusPanelButton(name) {
    this.#toggles[name].focus();
  }

  update() {
    const { state, devices } = this.#session;
    const raised = state.me?.hand != null;
    this.#hand.classList.toggle("active", raised);
    say(this.#hand, raised ? "control.hand.lower" : "control.hand.raise", "tip");
    this.#screen.classList.toggle("active", devices.published.screen);
    say(this.#screen, this.#sharingText, "tip");
    say(this.#layout, this.#layoutText, "tip");
  }

  get #sharingText() {
    return this.#session.devices.published.screen ? "control.screen.off" : "control.screen.on";
  }

  get #layoutText() {
    return this.#stage.focused ? "control.layout.grid" : "control.layout.speaker";
  }

  share() {
    const { devices, state } = this.#session;
    if (!devices.canShare) return notice("trouble.screen.missing");
    if (devices.published.screen) return devices.unshare();
    if (state.meeting.shares === 1 && state.sharers.length)
      return notice(["control.screen.taken", { name: state.sharers[0].name }]);
    devices.share();
  }

  hand() {
    this.#session.send("hand", { raised: this.#session.state.me?.hand == null });
  }

  layout() {
    this.#stage.toggleMode();
    this.update();
  }

  reactions(anchor = this.#react) {
    const items = Object.entries(EMOJI).map(([name, emoji]) => ({
      emoji,
      text: `control.emoji.${name}`,
      run: () => this.#session.send("reaction", { emoji }),
    }));
    openMenu(anchor.offsetParent ? anchor : this.#more, items);
  }

  /** What has no button of its own; on a narrow screen also what has none there. */
  #menu() {
    const narrow = this.#layout.offsetParent === null;
    const shares = narrow && this.#session.devices.canShare;
    openMenu(this.#more, [
      shares && { icon: "screen", text: this.#sharingText, run: () => this.share() },
      narrow && { icon: "smile", text: "control.react", run: () => this.reactions(this.#more) },
      narrow && { icon: "grid", text: this.#layoutText, run: () => this.layout() },
      { icon: "invite", text: "control.invite", run: this.act.invite },
      { icon: "settings", text: "control.settings", run: this.act.settings },
      { icon: "chart", text: "people.statistics", run: this.act.statistics },
      { icon: "keyboard", text: "control.shortcuts", run: this.act.shortcuts },
    ]);
  }
}
