// What happens in a meeting is told: in words to those who listen to a screen reader, as a notice where somebody
// may want to act.

import { has } from "./i18n.js";
import { announce, ask, notice } from "./notices.js";
import { errorText } from "./screens.js";

/** Tell it until `signal` aborts. `panel` is the one at the side. */
export function tellNews(session, panel, signal) {
  const { state, devices } = session;
  const on = (target, name, tell) =>
    target.addEventListener(name, ({ detail }) => tell(detail ?? {}), { signal });
  const nameOf = (id) => state.participants.get(id)?.name ?? "";

  on(state, "joined", ({ name }) => announce("said.joined", { name }));
  on(state, "left", ({ participant }) => announce("said.left", { name: participant.name }));
  on(state, "role", ({ host }) => notice(host ? "said.host" : "said.guest"));
  on(state, "hand", ({ you, name }) => you || notice(["said.hand", { name }]));
  on(state, "reaction", ({ participant, emoji }) =>
    announce("said.reaction", { name: nameOf(participant), emoji }),
  );
  on(state, "said", ({ from, name, text }) => {
    if (panel.name !== "chat" && from !== state.you) announce("said.chat", { name, text });
  });

  let known = 0;
  let seen = () => {};
  const knocked = () => {
    const waiting = state.me?.host ? state.lobby : [];
    if (waiting.length > known && panel.name !== "people") {
      const see = { text: "people.see", run: () => panel.show("people") };
      seen = notice(["said.waiting", { name: waiting.at(-1).name }], { act: see });
    }
    if (!waiting.length) seen();
    known = waiting.length;
  };
  on(state, "lobby", knocked);
  on(panel, "change", () => panel.name === "people" && seen());
  knocked();

  on(session, "asked", ({ what, by }) => {
    if (what === "mute" || what === "enter_muted") devices.turn("microphone", false, { own: false });
    if (what === "stop_share") devices.unshare();
    if (what === "unmute") askToUnmute(by, devices, signal);
    else if (has(`asked.${what}`)) notice(`asked.${what}`);
  });
  let mended = () => {};
  on(session, "failed", ({ code, about }) => {
    const gone = notice(errorText(code), { kind: "error" });
    if (about === "offer") mended = gone;
  });
  on(session, "connection", () => session.rtc?.state === "connected" && mended());
  on(devices, "trouble", ({ source, reason }) => notice(`trouble.${source}.${reason}`, { kind: "error" }));
}

/** Muting and stopping happen at once (the server lets nothing through any more); unmuting is ours to do. */
function askToUnmute(name, devices, signal) {
  if (devices.published.microphone) return;
  const done = new AbortController();
  const gone = ask(
    ["asked.unmute", { name }],
    { text: "asked.unmute.yes", run: () => devices.turn("microphone", true) },
    { text: "asked.unmute.no" },
  );
  const over = () => {
    done.abort();
    gone();
  };
  signal.addEventListener("abort", over, { signal: done.signal });
  devices.addEventListener("change", () => devices.published.microphone && over(), { signal: done.signal });
}
