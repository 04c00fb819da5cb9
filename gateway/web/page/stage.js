// The tiles together: grid or speaker view, pages, who is in focus, and which pictures are wanted from the server.

import { arrange, button, h, keepFocus, say } from "./dom.js";
import { capacity, grid, order, upright } from "./layout.js";
import { Tile } from "./tiles.js";

const LEAST = { wide: 200, narrow: 150 }; // CSS pixels of a tile's width
const STRIP = { beside: 121, below: 92 }; // of a small tile beside or below the large one, with its gap
const PAGER = 40;
const WANT_DELAY = 250; // ms
const MOST_WANTED = 32; // as the server takes

export class Stage {
  mode = "grid";
  #session;
  #act;
  #tiles = new Map(); // "<id>" or "<id>:screen" → Tile
  #order = [];
  #spoke = new Map();
  #lastSpeaker = null;
  #pinned = null;
  #shared = false; // somebody else shares a screen
  #taken = false; // the speaker view was taken because of that
  #page = 0;
  #pictured = []; // whose cameras are wanted, first those whose pictures can be had
  #wanted = "";
  #wanting = 0;
  #focus = h("ul", { class: "focus", label: "stage.focus" });
  #list = h("ul", { class: "tiles", label: "stage.tiles" });
  #previous = button("previous", "stage.previous", () => this.#turn(-1), { quiet: true, class: "icon" });
  #next = button("next", "stage.next", () => this.#turn(1), { quiet: true, class: "icon" });
  #where = h("span");
  #pager = h(
    "nav",
    { class: "pager", label: "stage.pages", hidden: true },
    this.#previous,
    this.#where,
    this.#next,
  );

  #resized = new ResizeObserver(() => this.update());

  constructor(session, act, ...more) {
    this.#session = session;
    this.#act = { ...act, pin: (key) => this.pin(key) };
    this.element = h(
      "main",
      { class: "stage", label: "stage.label", tabindex: "-1" },
      this.#focus,
      this.#list,
      this.#pager,
      more,
    );
    this.#resized.observe(this.element);
  }

  gone() {
    this.#resized.disconnect();
    clearTimeout(this.#wanting);
  }

  get pinned() {
    return this.#pinned;
  }

  pin(key) {
    this.#pinned = this.#pinned === key ? null : key;
    this.update();
  }

  toggleMode() {
    if (this.#pinned) this.#pinned = null;
    else this.mode = this.mode === "grid" ? "speaker" : "grid";
    this.#taken = false;
    this.update();
  }

  get focused() {
    return this.mode === "speaker" || this.#pinned !== null;
  }

  react({ participant, emoji }) {
    this.#tiles.get(participant)?.react(emoji);
  }

  /** Draw what is known now. */
  update() {
    if (!this.element.isConnected) return; // nothing can be measured yet
    const { state, rtc, devices } = this.#session;
    this.#followShares(state.sharers.some(({ you }) => !you));
    const now = Date.now();
    for (const id of state.speaking) this.#spoke.set(id, now);
    this.#lastSpeaker = state.speaking.find((id) => id !== state.you) ?? this.#lastSpeaker;

    const keys = [...state.participants.keys()];
    const screens = state.sharers.map(({ id }) => `${id}:screen`);
    this.#keep([...keys, ...screens]);
    const focus = this.focused ? this.#inFocus(keys, screens) : null;
    const { visible, pages } = this.#paged(keys, screens, focus);
    this.element.classList.toggle("focused", focus !== null);
    const element = (key) => this.#tiles.get(key).element;
    keepFocus(this.element, () => {
      arrange(this.#focus, focus ? [element(focus)] : []);
      arrange(this.#list, visible.map(element));
    });
    this.#pager.hidden = pages < 2;
    this.element.classList.toggle("paged", pages > 1);
    say(this.#where, ["stage.page", { page: this.#page + 1, pages }]);
    this.#previous.disabled = this.#page === 0;
    this.#next.disabled = this.#page >= pages - 1;

    const hands = state.hands.map(({ id }) => id);
    const seen = new Set([focus, ...visible]);
    for (const tile of this.#tiles.values()) {
      const participant = state.participants.get(tile.key.split(":")[0]);
      tile.update(participant, {
        speaking: state.speaking.includes(tile.key),
        pinned: this.#pinned === tile.key,
        order: hands.indexOf(tile.key) + 1,
      });
      const mine = participant.id === state.you;
      const live = participant[tile.source] && seen.has(tile.key);
      tile.show(
        mine ? devices.tracks[tile.source] : (live && rtc?.track(participant.id, tile.source)) || null,
      );
    }
    this.#want(this.#wishes(focus, visible));
  }

  /** A shared screen takes the speaker view, and gives it back, unless somebody chose in between. */
  #followShares(shared) {
    if (shared === this.#shared) return;
    this.#shared = shared;
    if (shared && this.mode === "grid") {
      this.mode = "speaker";
      this.#taken = true;
    } else if (!shared && this.#taken) {
      this.mode = "grid";
      this.#taken = false;
    }
  }

  #keep(keys) {
    for (const key of this.#tiles.keys()) if (!keys.includes(key)) this.#tiles.delete(key);
    for (const key of keys) {
      const source = key.endsWith(":screen") ? "screen" : "camera";
      if (!this.#tiles.has(key)) this.#tiles.set(key, new Tile(key, source, this.#act));
    }
    if (!this.#tiles.has(this.#pinned)) this.#pinned = null;
  }

  /** What the large tile shows: what is pinned, the latest screen, who speaks, or somebody else than me. */
  #inFocus(keys, screens) {
    const others = keys.filter((id) => id !== this.#session.state.you);
    const speaker = others.includes(this.#lastSpeaker) ? this.#lastSpeaker : null;
    const screen = screens.findLast((key) => key !== `${this.#session.state.you}:screen`);
    return this.#pinned ?? screen ?? speaker ?? others[0] ?? keys[0] ?? null;
  }

  #paged(keys, screens, focus) {
    const { clientWidth: width, clientHeight: height } = this.element;
    const below = upright(width, height);
    this.element.classList.toggle("below", below);
    const count = keys.length + screens.length - (focus ? 1 : 0);
    const room = focus
      ? this.#strip(count, width, height, below)
      : capacity(count, width, height - PAGER, LEAST[width < 600 ? "narrow" : "wide"]);
    this.#order = order(this.#order, keys, this.#session.state.speaking, room, this.#spoke);
    const all = [...screens, ...this.#order].filter((key) => key !== focus);
    const pages = Math.max(1, Math.ceil(all.length / room));
    this.#page = Math.min(this.#page, pages - 1);
    const visible = all.slice(this.#page * room, (this.#page + 1) * room);
    if (!focus) {
      const size = grid(visible.length, width, height - (pages > 1 ? PAGER : 0));
      this.element.style.setProperty("--columns", size.columns);
      this.element.style.setProperty("--tile", `${size.width}px`);
      this.element.style.setProperty("--ratio", size.ratio);
    }
    return { visible, pages };
  }

  /** How many small tiles fit beside or below the large one. */
  #strip(count, width, height, below) {
    const fits = (space) => Math.max(1, Math.floor(space / STRIP[below ? "below" : "beside"]));
    if (below) return fits(width);
    return count <= fits(height) ? fits(height) : fits(height - PAGER);
  }

  #turn(step) {
    this.#page += step;
    this.update();
  }

  /** Who should have a picture, the most important first: the server sends so many, of those with a camera. */
  #wishes(focus, visible) {
    const { state, rtc } = this.#session;
    const shown = new Set([focus, ...visible]);
    const others = [...state.participants.values()].filter(({ id, you }) => !you && shown.has(id));
    const cameras = others.filter(({ camera }) => camera).map(({ id }) => id);
    this.#pictured = order(this.#pictured, cameras, state.speaking, rtc?.tiles ?? 0, this.#spoke);
    const ids = new Set([focus, ...this.#pictured, ...visible]);
    return [...ids].filter((id) => others.some((each) => each.id === id)).slice(0, MOST_WANTED);
  }

  /** Tell the server which pictures are visible and how tall, in real pixels; not more often than need be. */
  #want(keys) {
    const tiles = keys.map((key) => ({
      participant: key,
      height: Math.round(this.#tiles.get(key).height * devicePixelRatio),
    }));
    const wanted = JSON.stringify(tiles);
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    clearTimeout(this.#wanting);
    this.#wanting = setTimeout(() => this.#session.send("want", { tiles }), WANT_DELAY);
  }

  /** After a reconnection the server has to be told again. */
  wantAgain() {
    this.#wanted = "";
    this.update();
  }
}
