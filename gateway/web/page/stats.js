// What the network does, per participant, from the browser's statistics: for those who want to know why.

import { dialog, fill, h } from "./dom.js";

const EVERY = 1000; // ms

/** Rates of what is counted since the last reading: bit/s, packets lost in percent. */
function rates(now, before) {
  const seconds = (now.timestamp - (before?.timestamp ?? now.timestamp)) / 1000;
  const grown = (name) => Math.max(0, (now[name] ?? 0) - (before?.[name] ?? 0));
  const octets = grown("bytesReceived") + grown("bytesSent");
  const lost = grown("packetsLost");
  const packets = grown("packetsReceived") + lost;
  return {
    kilobits: seconds > 0 ? Math.round((octets * 8) / seconds / 1000) : 0,
    lost: packets > 0 ? (100 * lost) / packets : 0,
  };
}

const picture = (report) =>
  report.frameWidth
    ? `${report.frameWidth} × ${report.frameHeight}, ${Math.round(report.framesPerSecond ?? 0)}/s`
    : "";

/** Rows of the table: one for what we send of each kind, one for each stream that arrives. */
function rows({ reports, slots }, before, participants) {
  const streams = reports.filter(({ type }) => type === "inbound-rtp" || type === "outbound-rtp");
  const remote = new Map(
    reports.filter(({ type }) => type === "remote-inbound-rtp").map((each) => [each.localId, each]),
  );
  return streams.flatMap((report) => {
    const { kilobits, lost } = rates(report, before.get(report.id));
    if (report.type === "outbound-rtp") {
      const far = remote.get(report.id);
      const loss = far?.fractionLost === undefined ? null : 100 * far.fractionLost;
      return kilobits
        ? [
            {
              who: null,
              kind: report.kind,
              layer: report.rid,
              kilobits,
              lost: loss,
              picture: picture(report),
            },
          ]
        : [];
    }
    const slot = slots.get(report.mid);
    const who = participants.get(slot?.participant)?.name;
    return who
      ? [
          {
            who,
            kind: slot.source === "screen" ? "screen" : report.kind,
            kilobits,
            lost,
            picture: picture(report),
          },
        ]
      : [];
  });
}

export function showStatistics(session) {
  const body = h("tbody", {});
  const path = h("p", { class: "path", role: "status" });
  const heads = ["who", "kind", "picture", "rate", "loss"].map((name) =>
    h("th", { scope: "col", text: `stats.${name}` }),
  );
  const box = dialog(
    "stats.title",
    path,
    h(
      "div",
      { class: "scroll", tabindex: "0", role: "region", label: "stats.title" },
      h("table", {}, h("thead", {}, h("tr", {}, heads)), body),
    ),
  );
  let before = new Map();
  const read = async () => {
    const report = await session.rtc?.report();
    if (!report) return;
    const lines = rows(report, before, session.state.participants);
    before = new Map(report.reports.map((each) => [each.id, each]));
    fill(body, ...lines.map(line));
    const pair = report.reports.find((each) => each.type === "candidate-pair" && each.nominated);
    fill(
      path,
      pair
        ? h("span", {
            text: [
              "stats.path",
              {
                milliseconds: Math.round(1000 * (pair.currentRoundTripTime ?? 0)),
                kilobits: pair.availableOutgoingBitrate
                  ? Math.round(pair.availableOutgoingBitrate / 1000)
                  : "–",
              },
            ],
          })
        : h("span", { text: "stats.no_path" }),
    );
  };
  const timer = setInterval(read, EVERY);
  box.addEventListener("close", () => clearInterval(timer));
  read();
}

function line({ who, kind, layer, kilobits, lost, picture: size }) {
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, who ?? h("span", { text: "stats.sent" })),
    h("td", {}, h("span", { text: `stats.kind.${kind}` }), layer ? ` ${layer}` : ""),
    h("td", {}, size),
    h("td", {}, `${kilobits} kbit/s`),
    h("td", {}, lost == null ? "–" : `${lost.toFixed(1)} %`),
  );
}
