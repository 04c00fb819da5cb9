// Microphone, camera and screen of this machine: chosen, opened, lost, replaced.
//
// The microphone stays open while muted (its track is disabled, so unmuting is instant); the camera is closed
// when it is off, and its light with it. Without permission or without a device a person still takes part.

import { Emitter } from "./events.js";
import { kept } from "./store.js";

const STORED = "passerelle.devices";
const CAMERA = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
const SCREEN = { width: { max: 1920 }, height: { max: 1080 }, frameRate: { max: 15 } };
const SOUND = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const KINDS = { microphone: "audioinput", camera: "videoinput", speaker: "audiooutput" };

/** Why a device cannot be had, as the catalogue names it. */
function trouble(error) {
  if (error.name === "NotAllowedError" || error.name === "SecurityError") return "refused";
  if (error.name === "NotReadableError" || error.name === "AbortError") return "busy";
  return "missing";
}

/** Events: "change" (a track or a mute), "list" (what is plugged in), "trouble" ({source, reason}). */
export class Devices extends Emitter {
  tracks = { microphone: null, camera: null, screen: null };
  on = { microphone: true, camera: true }; // as the person wants it
  chosen = {}; // microphone, camera, speaker → device id
  list = { microphone: [], camera: [], speaker: [] };
  troubles = {}; // source → reason

  constructor() {
    super();
    const { chosen = {}, on = {} } = kept.get(STORED) ?? {};
    Object.assign(this.chosen, chosen);
    Object.assign(this.on, on);
    navigator.mediaDevices?.addEventListener("devicechange", () => this.#replug());
  }

  /** What others may hear and see of us now. */
  get published() {
    const { microphone, camera, screen } = this.tracks;
    return {
      microphone: Boolean(microphone) && this.on.microphone,
      camera: Boolean(camera),
      screen: Boolean(screen),
    };
  }

  /** Whether the microphone or camera is on, or will be as soon as it has been opened. */
  isOn(source) {
    return this.on[source] && !this.troubles[source];
  }

  get canShare() {
    return Boolean(navigator.mediaDevices?.getDisplayMedia);
  }

  /** Open what is wanted: in one question to the person where possible. */
  async open() {
    if (this.on.camera) {
      try {
        const stream = await navigator.mediaDevices.getUserMedia({
          audio: this.#sound(),
          video: this.#picture(),
        });
        for (const track of stream.getTracks())
          this.#took(track.kind === "audio" ? "microphone" : "camera", track);
        await this.#enumerate();
        return;
      } catch {
        /* one by one, to know which */
      }
    }
    await this.#capture("microphone");
    if (this.on.camera) await this.#capture("camera");
    await this.#enumerate();
  }

  /** Switch the microphone or the camera on or off; `own`: as one wished oneself, and will the next time. */
  async turn(source, on, { own = true } = {}) {
    this.on[source] = on;
    if (own) this.#store();
    if (source === "microphone" && this.tracks.microphone) this.tracks.microphone.enabled = on;
    else if (on) await this.#capture(source);
    else this.#drop(source);
    if (on && !this.tracks[source]) this.on[source] = false;
    this.emit("change");
  }

  toggle(source) {
    return this.turn(source, !this.isOn(source));
  }

  /** Use another device from now on. */
  async choose(kind, id) {
    this.chosen[kind] = id;
    this.#store();
    if (kind === "microphone" || (kind === "camera" && this.on.camera)) await this.#capture(kind);
    this.emit("change");
  }

  async share() {
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia({ video: SCREEN, audio: false });
      const [track] = stream.getVideoTracks();
      track.contentHint = "detail";
      this.#took("screen", track);
    } catch (error) {
      if (error.name !== "NotAllowedError") this.#failed("screen", "refused"); // else the person has thought better of it
    }
  }

  unshare() {
    this.#drop("screen");
    this.emit("change");
  }

  close() {
    for (const source of Object.keys(this.tracks)) this.#drop(source);
  }

  #sound() {
    return { ...SOUND, ...(this.chosen.microphone && { deviceId: { ideal: this.chosen.microphone } }) };
  }

  #picture() {
    return { ...CAMERA, ...(this.chosen.camera && { deviceId: { ideal: this.chosen.camera } }) };
  }

  async #capture(source) {
    try {
      const asked = source === "microphone" ? { audio: this.#sound() } : { video: this.#picture() };
      const [track] = (await navigator.mediaDevices.getUserMedia(asked)).getTracks();
      this.#took(source, track);
    } catch (error) {
      this.#drop(source);
      this.#failed(source, navigator.mediaDevices ? trouble(error) : "insecure");
    }
  }

  #took(source, track) {
    this.#drop(source);
    if (source === "camera" && !this.on.camera) return track.stop(); // switched off while it was being opened
    this.tracks[source] = track;
    delete this.troubles[source];
    if (source === "microphone") track.enabled = this.on.microphone;
    track.addEventListener("ended", () => {
      if (this.tracks[source] === track) this.#lost(source);
    });
    this.emit("change");
  }

  #drop(source) {
    this.tracks[source]?.stop();
    this.tracks[source] = null;
  }

  /** Unplugged, or taken back by the browser: go on with another one if there is any. */
  async #lost(source) {
    this.#drop(source);
    if (source !== "screen") {
      this.#failed(source, "lost");
      await this.#capture(source);
    }
    this.emit("change");
  }

  async #replug() {
    await this.#enumerate();
    if (!this.tracks.microphone && this.troubles.microphone !== "refused") await this.#capture("microphone");
  }

  async #enumerate() {
    const found = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    for (const [name, kind] of Object.entries(KINDS)) {
      this.list[name] = found.filter((device) => device.kind === kind && device.deviceId);
    }
    this.emit("list");
  }

  #failed(source, reason) {
    this.troubles[source] = reason;
    this.emit("trouble", { source, reason });
  }

  #store() {
    kept.set(STORED, { chosen: this.chosen, on: this.on });
  }
}
