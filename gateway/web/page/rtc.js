// The peer connection. We always offer; the server always answers.
//
// The m-lines are made once, in this order, and never change: microphone, camera, screen (sendonly); then, as
// many as the server sends tiles, pairs of an audio and a video slot (recvonly, one participant each); then
// VOICES audio slots for those who are on no tile; then SCREENS video slots. What is sent changes by
// replaceTrack, what arrives by the server's "slots", so there is one negotiation, and one more for each ICE
// restart or when the server asks for it (codecs).

import { Emitter } from "./events.js";

const VOICES = 3;
const SCREENS = 2;
const HEALING = 3000; // ms of "disconnected" before an ICE restart
const RESTARTS = 2; // in vain, before it is given up

const SENT = {
  microphone: { kind: "audio", encodings: [{ maxBitrate: 32_000 }] },
  camera: { kind: "video", encodings: [{ rid: "q" }, { rid: "h" }, { rid: "f" }] },
  screen: { kind: "video", encodings: [{ maxBitrate: 2_500_000, maxFramerate: 15 }] },
};
// What the camera's encodings are, by the pixels of its picture. Of a small picture Chromium sends the first
// encodings only, whatever they are: three of them made for 1280 × 720 would leave 80 × 45 of 320 × 180.
const LAYERS = [
  { pixels: 960 * 540, scales: [4, 2, 1], rates: [150_000, 500_000, 1_700_000] },
  { pixels: 480 * 270, scales: [2, 1], rates: [200_000, 700_000] },
  { pixels: 0, scales: [1], rates: [300_000] },
];
const received = (tiles) => [
  ...Array(tiles).fill(["audio", "video"]).flat(),
  ...Array(VOICES).fill("audio"),
  ...Array(SCREENS).fill("video"),
];

function layered(encodings, track) {
  const { width = 1280, height = 720 } = track?.getSettings() ?? {};
  const { scales, rates } = LAYERS.find(({ pixels }) => width * height >= pixels);
  return encodings.map((encoding, index) => {
    const active = index < scales.length;
    const [scaleResolutionDownBy, maxBitrate] = active ? [scales[index], rates[index]] : [1, rates.at(-1)];
    return { ...encoding, active, scaleResolutionDownBy, maxBitrate };
  });
}

/** Send as many layers of a camera as its picture is large enough for. */
async function rescale(sender, track) {
  const parameters = sender.getParameters();
  const encodings = layered(parameters.encodings, track);
  if (encodings.every(({ active }, index) => active === parameters.encodings[index].active)) return;
  await sender.setParameters({ ...parameters, encodings });
}

/** Events: "slots" (who is where changed), "state" (of the connection), "dead" (ICE restarts do not help).
 *  `send(type, fields)` signals. */
export class Rtc extends Emitter {
  answered = false; // once at least
  #configuration;
  #send;
  #peer = null;
  #senders = {};
  #tracks = { microphone: null, camera: null, screen: null };
  #slots = new Map(); // mid → {participant, source}
  #restarts = 0;
  #healing = 0;
  #offering = Promise.resolve();
  #unanswered = 0; // offers

  /** `tiles`: how many cameras the server sends at once. */
  constructor(tiles, iceServers, send) {
    super();
    this.tiles = tiles;
    this.#configuration = { iceServers, bundlePolicy: "max-bundle" };
    this.#send = send;
  }

  get state() {
    return this.#peer?.connectionState ?? "closed";
  }

  async start() {
    const peer = new RTCPeerConnection(this.#configuration);
    this.#peer = peer;
    for (const [source, { kind, encodings }] of Object.entries(SENT)) {
      const sendEncodings = source === "camera" ? layered(encodings, this.#tracks.camera) : encodings;
      const line = peer.addTransceiver(kind, { direction: "sendonly", sendEncodings });
      this.#senders[source] = line.sender;
      line.sender.replaceTrack(this.#tracks[source]);
    }
    for (const kind of received(this.tiles)) peer.addTransceiver(kind, { direction: "recvonly" });
    peer.onconnectionstatechange = () => {
      if (peer === this.#peer) this.#changed();
    };
    await this.offer();
  }

  close() {
    clearTimeout(this.#healing);
    this.#peer?.close();
    this.#peer = null;
    this.#senders = {};
    this.#slots.clear();
  }

  async answer(sdp) {
    this.#unanswered = Math.max(0, this.#unanswered - 1);
    if (this.#unanswered || this.#peer?.signalingState !== "have-local-offer") return; // to an offer of before
    this.answered = true;
    await this.#peer.setRemoteDescription({ type: "answer", sdp });
    this.emit("slots");
  }

  /** The server has refused an offer: no answer will come. */
  refused() {
    this.#unanswered = Math.max(0, this.#unanswered - 1);
  }

  /** Signalling was interrupted: what is still unanswered may never be. */
  interrupted() {
    this.#unanswered = 0;
  }

  /** After the network changed or the path was lost: new ICE credentials, the same everything else. */
  async restart() {
    clearTimeout(this.#healing);
    if (!this.#peer || this.#restarts >= RESTARTS) return this.emit("dead");
    this.#restarts += 1;
    this.#peer.restartIce();
    await this.offer();
  }

  /** Send this track from now on, or nothing. */
  async publish(source, track) {
    this.#tracks[source] = track;
    const sender = this.#senders[source];
    if (!sender) return;
    try {
      await sender.replaceTrack(track);
      if (source === "camera" && track) await rescale(sender, track);
    } catch (problem) {
      if (sender === this.#senders[source]) throw problem; // else it was closed, and its successor has the track
    }
  }

  assign(slots) {
    for (const { mid, participant, source } of slots) this.#slots.set(mid, { participant, source });
    this.emit("slots");
  }

  /** The track that carries this source of this participant, if one does now. */
  track(participant, source) {
    return this.#received().find(({ slot }) => slot?.participant === participant && slot.source === source)
      ?.track;
  }

  /** All sound, whoever's: slots play silence while nobody is on them. */
  sounds() {
    return this.#received()
      .map(({ track }) => track)
      .filter(({ kind }) => kind === "audio");
  }

  /** The browser's statistics, and what each line carries: mid → {participant, source}. `me`: my id. */
  async report(me) {
    const lines = this.#peer?.getTransceivers().slice(0, Object.keys(SENT).length) ?? [];
    const mine = lines.map(({ mid }, index) => [mid, { participant: me, source: Object.keys(SENT)[index] }]);
    const reports = this.#peer ? [...(await this.#peer.getStats()).values()] : [];
    return { reports, lines: new Map([...this.#slots, ...mine]) };
  }

  #received() {
    const lines = this.#peer?.getTransceivers().slice(Object.keys(SENT).length) ?? [];
    return lines.map(({ mid, receiver }) => ({ track: receiver.track, slot: this.#slots.get(mid) }));
  }

  /** Offer what there is; one offer at a time: the next waits until the last was sent. */
  offer() {
    const peer = this.#peer;
    this.#offering = this.#offering
      .then(() => this.#offerNow(peer))
      .catch((error) => {
        if (peer === this.#peer) throw error; // else it was closed meanwhile
      });
    return this.#offering;
  }

  async #offerNow(peer) {
    await peer.setLocalDescription(await peer.createOffer());
    if (peer !== this.#peer) return;
    if (this.#send("offer", { sdp: peer.localDescription.sdp })) this.#unanswered += 1; // else nobody will answer
  }

  #changed() {
    clearTimeout(this.#healing);
    if (this.state === "connected") this.#restarts = 0;
    else if (this.state === "failed") this.restart();
    else if (this.state === "disconnected") this.#healing = setTimeout(() => this.restart(), HEALING);
    this.emit("state");
  }
}
