// What is heard: one audio element for each audio slot, on the chosen loudspeaker.

import { carry, h } from "./dom.js";
import { notice } from "./notices.js";

export class Sound {
  #session;
  #players = [];
  #asking = null; // takes the notice away
  element = h("div", { hidden: true });

  constructor(session) {
    this.#session = session;
  }

  /** Play what arrives now. */
  update() {
    const tracks = this.#session.rtc?.sounds() ?? [];
    while (this.#players.length < tracks.length) {
      const player = h("audio", { autoplay: true });
      this.#players.push(player);
      this.element.append(player);
    }
    tracks.forEach((track, index) => {
      const player = this.#players[index];
      if (!carry(player, track)) return;
      this.#route(player);
      this.#play(player);
    });
  }

  route() {
    for (const player of this.#players) this.#route(player);
  }

  #route(player) {
    const speaker = this.#session.devices.chosen.speaker;
    if (speaker && player.setSinkId) player.setSinkId(speaker).catch(() => notice("trouble.speaker.missing"));
  }

  /** A browser may want a click before a page that was reloaded may be heard. */
  async #play(player) {
    try {
      await player.play();
    } catch (error) {
      if (error.name !== "NotAllowedError" || this.#asking) return;
      this.#asking = notice("sound.blocked", {
        stays: true,
        act: { text: "sound.hear", run: () => this.#unblock() },
      });
      addEventListener("pointerdown", () => this.#unblock(), { once: true });
      addEventListener("keydown", () => this.#unblock(), { once: true });
    }
  }

  #unblock() {
    this.#asking?.();
    this.#asking = null;
    for (const player of this.#players) player.play().catch(() => {}); // asked again at the next slot
  }
}
