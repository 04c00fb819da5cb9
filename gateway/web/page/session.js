// One person's seat in one meeting: the connection, what is known, what is sent and received.
//
//   joining ──waiting──▶ waiting ──welcome──▶ seated ──closed──▶ over
//      └───────────────welcome────────────────▲ │
//                                             └─┘ connection lost: resume, or join again when the seat is gone
//
// The seat (session and secret) is in sessionStorage, so a reloaded page takes it again; it is not shared with
// other tabs, and gone with this one.

import { join, leave } from "./api.js";
import { Connection } from "./connection.js";
import { Emitter } from "./events.js";
import { language } from "./i18n.js";
import { linkKey } from "./key.js";
import { Rtc } from "./rtc.js";
import { MeetingState } from "./state.js";
import { tab } from "./store.js";

const VERSION = 1;
const FINAL = new Set(["left", "removed", "refused", "ended", "replaced"]);
const SHUT = new Set(["room_full", "room_locked", "bad_version"]); // answers to hello that another attempt would not change

const keyOf = (slug) => `passerelle.seat.${slug}`;

/** The seat this tab had in the room before it was reloaded. */
export const savedSeat = (slug) => tab.get(keyOf(slug));

/** Events: "phase", "host" (there or not, while one waits), "connection" (lost or back), "asked",
 *  "failed" ({code}), "slots". */
export class Session extends Emitter {
  state = new MeetingState();
  phase = "joining";
  reason = null; // why it is over
  rtc = null;
  stats = {}; // as the server told last
  hostThere = true; // while one waits for a word of theirs
  restarting = false; // the server said that it is about to, and has not come back yet
  #seat;
  #request; // what to join with
  #token = null;
  #greeting = false; // whether the first answer is still to come
  #last = 0;

  constructor(slug, devices, { name, pin, seat = null }) {
    super();
    this.slug = slug;
    this.devices = devices;
    this.#request = { slug, name, key: linkKey(), pin };
    this.#seat = seat;
    this.connection = new Connection(() => this.#opening());
    this.connection.addEventListener("message", ({ detail }) => this.#received(detail));
    this.connection.addEventListener("state", () => this.#connectionChanged());
    this.connection.addEventListener("refused", ({ detail }) => this.#end(detail.code));
    devices.addEventListener("change", this.#publish);
    addEventListener("pagehide", this.#save);
  }

  /** Join or resume; resolves with an answer. Throws `Refused` when the door stays shut at the first attempt. */
  async start() {
    if (!this.#seat) this.#token = (await join(this.#request)).token;
    this.connection.start();
    await new Promise((done) => this.addEventListener("phase", done, { once: true }));
  }

  send(type, fields) {
    return this.connection.send(type, fields);
  }

  /** The WebSocket is quicker, but what it has not sent dies with the page: both say it. */
  leave() {
    this.send("leave");
    if (this.#seat) leave({ session: this.#seat.session, secret: this.#seat.secret });
    this.#end("left");
  }

  async #opening() {
    this.#greeting = true;
    if (this.#seat) {
      const { session, secret } = this.#seat;
      return { type: "resume", version: VERSION, session, secret, last: this.#last };
    }
    this.#last = 0;
    const token = this.#token ?? (await join(this.#request)).token;
    this.#token = null; // good for one use
    return { type: "hello", version: VERSION, token, name: this.#request.name, language };
  }

  #received(message) {
    if (message.n !== undefined) this.#last = message.n;
    const first = this.#greeting;
    this.#greeting = false;
    switch (message.type) {
      case "waiting":
        return this.#waits(message);
      case "welcome":
        return this.#welcomed(message);
      case "answer":
        return void this.rtc?.answer(message.sdp);
      case "slots":
        return this.rtc?.assign(message.slots);
      case "asked":
        if (message.what === "offer") return void this.rtc?.offer();
        return this.emit("asked", message);
      case "stats":
        return void (this.stats = message.stats);
      case "restarting":
        return this.#restarts();
      case "closed":
        return this.#closed(message.reason);
      case "error":
        return first ? this.#turnedAway(message) : this.#failed(message);
      default:
        this.state.apply(message);
    }
  }

  #waits({ name, host, ...seat }) {
    this.state.meeting.name = name;
    this.hostThere = host;
    this.#sit(seat);
    this.#become("waiting");
    this.emit("host");
  }

  #restarts() {
    this.restarting = true;
    this.emit("connection");
  }

  #welcomed(message) {
    this.restarting = false; // until told anew
    this.state.apply(message);
    this.#request.name = this.state.me?.name ?? this.#request.name;
    this.#sit(message);
    const enters = !message.resumed || this.phase === "waiting";
    this.#become("seated");
    if (enters && !this.state.me.microphone && this.devices.isOn("microphone"))
      this.emit("asked", { what: "enter_muted" }); // the room's rule; whoever comes back speaks as before
    if (!message.resumed || !this.rtc) this.#connectMedia(message);
    else if (this.rtc.state !== "connected") this.rtc.restart();
    this.#publish();
    this.emit("connection");
  }

  #connectionChanged() {
    if (this.connection.state === "waiting") this.rtc?.interrupted();
    this.emit("connection");
  }

  #connectMedia({ tiles, ice_servers }) {
    this.rtc?.close();
    this.rtc = new Rtc(tiles, ice_servers, (type, fields) => this.send(type, fields));
    this.rtc.addEventListener("state", () => this.emit("connection"));
    this.rtc.addEventListener("slots", () => this.emit("slots"));
    this.rtc.addEventListener("dead", () => this.#renewMedia());
    for (const [source, track] of Object.entries(this.devices.tracks)) this.rtc.publish(source, track);
    this.rtc.start();
  }

  /** What no ICE restart could heal begins anew: the server drops its side when a page remembers nothing. */
  #renewMedia() {
    this.rtc?.close();
    this.rtc = null;
    this.#last = 0;
    this.connection.drop();
  }

  #publish = () => {
    if (this.phase !== "seated") return;
    for (const [source, track] of Object.entries(this.devices.tracks)) this.rtc?.publish(source, track);
    this.send("media", this.devices.published);
    this.#save();
  };

  #sit({ session, secret }) {
    this.#seat = { session, secret };
    this.#save();
  }

  #turnedAway({ code }) {
    if (SHUT.has(code)) this.#end(code);
    else if (code !== "too_fast") this.#forget(); // the seat or the token is too old
  }

  /** Something we asked for was not done; what the server does not forward is not sent. */
  #failed(message) {
    if (message.about === "offer") {
      if (this.rtc?.answered) return this.#renewMedia(); // the server's side of it has died
      this.rtc?.refused();
    }
    const unshared = message.code === "unavailable" && message.about === "media";
    if (message.code === "share_taken" || unshared) this.devices.unshare();
    if (message.code === "cameras_full") this.devices.turn("camera", false, { own: false });
    this.emit("failed", message);
  }

  #closed(reason) {
    if (FINAL.has(reason)) return this.#end(reason);
    if (reason === "restarting") this.#restarts();
    this.#forget(); // the next process does not know this seat
  }

  /** The server does not know the seat any more: join anew at the next attempt, which comes by itself. */
  #forget() {
    this.#seat = null;
    this.#last = 0;
    tab.remove(keyOf(this.slug));
    this.connection.drop();
  }

  #end(reason) {
    if (this.phase === "over") return;
    this.reason = reason;
    this.connection.stop();
    this.rtc?.close();
    this.devices.removeEventListener("change", this.#publish);
    removeEventListener("pagehide", this.#save);
    tab.remove(keyOf(this.slug));
    this.#become("over");
  }

  #save = () => {
    if (!this.#seat) return;
    const { name } = this.#request;
    const room = this.state.meeting.name;
    tab.set(keyOf(this.slug), { ...this.#seat, name, room, on: this.devices.published });
  };

  #become(phase) {
    if (this.phase === phase) return;
    this.phase = phase;
    this.emit("phase");
  }
}
