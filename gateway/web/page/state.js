// What is known of the meeting, kept by applying the server's messages in order. No DOM, no network.
//
// Events name what changed: "participants", "speaking", "chat", "lobby", "meeting"; and what happened:
// "joined", "left", "reaction", "said", "hand", "role" (mine).

import { Emitter } from "./events.js";

const EVENTS = {
  welcome: (state, message) => state.reset(message),
  joined: (state, { participant }) => {
    state.put(participant);
    state.emit("joined", participant);
  },
  changed: (state, { participant }) => state.put(participant),
  left: (state, { participant, reason }) => state.drop(participant, reason),
  speaking: (state, { participants }) => {
    state.speaking = participants;
    state.emit("speaking");
  },
  chat: (state, { message }) => state.hear(message),
  reaction: (state, message) => state.emit("reaction", message),
  lobby: (state, { waiting }) => {
    state.lobby = waiting;
    state.emit("lobby");
  },
  meeting: (state, { meeting }) => {
    state.meeting = { ...state.meeting, ...meeting };
    state.emit("meeting");
  },
};

export class MeetingState extends Emitter {
  you = null; // my id
  meeting = { name: "", slug: "", locked: false };
  invitation = {};
  participants = new Map(); // id → P, in the order of arrival
  lobby = [];
  chat = [];
  speaking = []; // ids, loudest first

  get me() {
    return this.participants.get(this.you);
  }

  /** Those who share a screen, the latest last. */
  get sharers() {
    return [...this.participants.values()].filter((participant) => participant.screen);
  }

  /** Those with a raised hand, the first to raise it first. */
  get hands() {
    return [...this.participants.values()]
      .filter((each) => each.hand != null)
      .sort((a, b) => a.hand - b.hand);
  }

  apply(message) {
    EVENTS[message.type]?.(this, message);
  }

  reset({ you, meeting, participants, lobby = [], chat = [], invitation = {} }) {
    Object.assign(this, { you, meeting, lobby, invitation, speaking: [] });
    this.participants = new Map(participants.map((participant) => [participant.id, participant]));
    this.chat = chat;
    for (const name of ["participants", "meeting", "lobby", "chat", "speaking"]) this.emit(name);
  }

  put(participant) {
    const before = this.participants.get(participant.id);
    this.participants.set(participant.id, { ...before, ...participant });
    this.emit("participants");
    if (participant.you && before && participant.host !== before.host) this.emit("role", participant);
    if (participant.hand != null && before?.hand == null) this.emit("hand", participant);
  }

  drop(id, reason) {
    const participant = this.participants.get(id);
    if (!participant) return;
    this.participants.delete(id);
    this.speaking = this.speaking.filter((each) => each !== id);
    this.emit("participants");
    this.emit("left", { participant, reason });
  }

  hear(message) {
    if (this.chat.some(({ id }) => id === message.id)) return; // replayed after a reconnection
    this.chat.push(message);
    this.emit("chat");
    this.emit("said", message);
  }
}
