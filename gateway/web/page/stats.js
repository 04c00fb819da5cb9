// The network's details in words: how good the connection is, and what is sent and received of whom.

import { dialog, fill, h, say } from "./dom.js";
import { bits, has, percent, t } from "./i18n.js";
import { link, streams, verdict } from "./readings.js";

const EVERY = 1000; // ms
const SOURCES = ["microphone", "camera", "screen"];

const lost = (loss) =>
  loss < 0.0005 ? t("stats.lost.nothing") : t("stats.lost", { percent: percent(loss) });

/** One direction: how much, of how much, and what is lost on the way. */
function direction({ rate, most, loss }) {
  const much = most ? t("stats.of_most", { rate: bits(rate), most: bits(most) }) : bits(rate);
  return loss === undefined ? much : `${much} · ${lost(loss)}`;
}

/** One stream: its quality, size, rate and loss. */
function stream({ source, layer, width, height, frames, rate, loss }) {
  if (!rate) return t("stats.nothing");
  const quality = source === "camera" && has(`stats.quality.${layer}`) && t(`stats.quality.${layer}`);
  const size = width && t("stats.picture", { width, height, frames: Math.round(frames ?? 0) });
  return [quality, size, bits(rate), loss !== undefined && lost(loss)].filter(Boolean).join(" · ");
}

const row = (key, words) => h("div", {}, h("dt", { text: key }), h("dd", {}, words));

/** One person's part, or nothing if none of their media is on its way. */
function part(person, all) {
  const theirs = all
    .filter(({ participant }) => participant === person.id)
    .sort(
      (a, b) => SOURCES.indexOf(a.source) - SOURCES.indexOf(b.source) || (b.height ?? 0) - (a.height ?? 0),
    );
  if (!theirs.length) return null;
  return h(
    "li",
    {},
    h("h3", { text: [person.you ? "stats.sent_by_you" : "tile.name", { name: person.name }] }),
    h(
      "dl",
      {},
      theirs.map((each) => row(`stats.kind.${each.source}`, stream(each))),
    ),
  );
}

/** Show the details of one participant, or of all. */
export function showStatistics(session, id = null) {
  const { state } = session;
  const judged = h("p", { class: "verdict", role: "status" });
  const whole = h("dl", {});
  const people = h("ul", {});
  const box = dialog(
    "stats.title",
    judged,
    h(
      "div",
      { class: "scroll statistics", tabindex: "0", role: "region", label: "stats.title" },
      whole,
      people,
    ),
  );
  let before = new Map();
  const read = async () => {
    const report = await session.rtc?.report(state.you);
    if (!report || !box.isConnected) return;
    const all = streams(report, before, session.stats);
    before = new Map(report.reports.map((each) => [each.id, each]));
    const path = link(report, all, session.stats);
    say(judged, path.connected ? `stats.link.${verdict(path)}` : "stats.no_path");
    fill(
      whole,
      path.roundTrip &&
        row("stats.round_trip", t("stats.milliseconds", { count: Math.round(1000 * path.roundTrip) })),
      row("stats.down", direction(path.down)),
      row("stats.up", direction(path.up)),
    );
    const shown = [...state.participants.values()].filter((each) => !id || each.id === id);
    fill(people, ...shown.map((each) => part(each, all)));
    if (!people.children.length) fill(people, h("li", { text: "stats.none" }));
  };
  const timer = setInterval(read, EVERY);
  box.addEventListener("close", () => clearInterval(timer));
  read();
}
