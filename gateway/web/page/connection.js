// The WebSocket: opened, kept, and opened again.
//
//   connecting ──first answer──▶ open ──lost──▶ waiting ──back-off or "online"──▶ connecting
//        └──────── lost ────────────────────────▲                    stop() ──▶ closed
//
// `opening()` gives the first message of each attempt (hello or resume); what it throws is the owner's to
// judge. Silence for SILENCE seconds, pings included, is a loss: a laptop that slept or changed networks has a
// socket that looks open.

import { Emitter } from "./events.js";

const PING = 5; // seconds, as the server expects
const SILENCE = 15;
const PROBE = 3; // after the network or the lid changed
const LONGEST = 10; // seconds between attempts

export class Connection extends Emitter {
  #opening;
  #socket = null;
  #attempts = 0;
  #retry = 0;
  #heard = 0;
  #pinged = 0;
  #deadline = SILENCE;
  #timer;
  state = "closed";

  constructor(opening) {
    super();
    this.#opening = opening;
  }

  start() {
    this.#timer = setInterval(() => this.#tick(), 1000);
    addEventListener("online", this.#probe);
    document.addEventListener("visibilitychange", this.#probe);
    this.#connect();
  }

  stop() {
    clearInterval(this.#timer);
    clearTimeout(this.#retry);
    removeEventListener("online", this.#probe);
    document.removeEventListener("visibilitychange", this.#probe);
    this.#become("closed");
    this.#socket?.close();
    this.#socket = null;
  }

  /** Give this socket up and come back by another. */
  drop() {
    if (this.#socket) this.#lost();
  }

  /** Send a message; false when there is no connection: the state is sent anew after each welcome. */
  send(type, fields = {}) {
    return this.#say({ type, ...fields });
  }

  async #connect() {
    this.#become("connecting");
    let first;
    try {
      first = await this.#opening();
    } catch (error) {
      if (error.passing) return this.#lost();
      this.stop();
      this.emit("refused", error);
      return;
    }
    if (this.state === "closed") return;
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
    this.#socket = socket;
    this.#heard = Date.now();
    socket.onopen = () => socket === this.#socket && this.#say(first);
    socket.onmessage = (event) => this.#received(JSON.parse(event.data));
    socket.onclose = () => {
      if (socket === this.#socket) this.#lost();
    };
  }

  /** A socket may be closing already while it is still ours. */
  #say(message) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  #received(message) {
    this.#heard = Date.now();
    this.#deadline = SILENCE;
    if (message.type !== "error") this.#attempts = 0; // a server that only says no is not asked ever faster
    if (this.state !== "open") this.#become("open");
    if (message.type !== "pong") this.emit("message", message);
  }

  #lost() {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    if (this.state === "closed") return;
    const wait = Math.min(LONGEST, 0.5 * 2 ** this.#attempts) * (0.5 + Math.random());
    this.#attempts += 1;
    this.#become("waiting");
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#connect(), wait * 1000);
  }

  #tick() {
    if (!this.#socket) return;
    const silent = (Date.now() - this.#heard) / 1000;
    if (silent > this.#deadline) this.#lost();
    else if (Date.now() - this.#pinged >= PING * 1000 && this.send("ping")) this.#pinged = Date.now();
  }

  #probe = () => {
    if (document.visibilityState === "hidden") return;
    if (this.state === "waiting") {
      clearTimeout(this.#retry);
      this.#connect();
    } else if (this.send("ping")) {
      this.#heard = Date.now();
      this.#deadline = PROBE;
    }
  };

  #become(state) {
    if (this.state === state) return;
    this.state = state;
    this.emit("state");
  }
}
