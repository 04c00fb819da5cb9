// How media travels, from the browser's statistics and from what the server tells: arithmetic without DOM.
//
// The browser counts what it sends and receives; only the server knows which simulcast layer it forwards, and
// what the link to us would carry. Units: bit/s, seconds, loss as a fraction.

const GOOD = { loss: 0.01, roundTrip: 0.2 };
const FAIR = { loss: 0.03, roundTrip: 0.4 };

/** What was counted since the reading before. */
function growth(now, before = now) {
  const seconds = (now.timestamp - before.timestamp) / 1000;
  const grown = (name) => Math.max(0, (now[name] ?? 0) - (before[name] ?? 0));
  const lost = grown("packetsLost");
  const packets = grown("packetsReceived") + lost;
  const octets = grown("bytesReceived") + grown("bytesSent");
  return { rate: seconds > 0 ? (8 * octets) / seconds : 0, loss: packets > 0 ? lost / packets : 0 };
}

/**
 * One reading for each stream: {participant, source, layer, width, height, frames, rate, loss}; layers of ours
 * that are not sent are left out. `before`: the reports of the last time, by id; `told`: the server's.
 */
export function streams({ reports, lines }, before, told) {
  const far = new Map(
    reports.filter(({ type }) => type === "remote-inbound-rtp").map((each) => [each.localId, each]),
  );
  const slots = new Map((told.slots ?? []).map((slot) => [slot.mid, slot]));
  return reports
    .filter(({ type, mid }) => type.endsWith("bound-rtp") && lines.get(mid)?.participant)
    .map((report) => {
      const { rate, loss } = growth(report, before.get(report.id));
      const mine = report.type === "outbound-rtp";
      const slot = slots.get(report.mid);
      return {
        ...lines.get(report.mid),
        mine,
        layer: (mine ? report.rid : slot?.layer) ?? null,
        width: report.frameWidth,
        height: report.frameHeight,
        frames: report.framesPerSecond,
        rate,
        loss: mine ? far.get(report.id)?.fractionLost : (slot?.loss ?? loss),
      };
    })
    .filter(({ mine, rate }) => rate || !mine);
}

/** The way to the server as a whole; what is not known is undefined. `most`: what the link is thought to carry. */
export function link({ reports }, all, told) {
  const pair = reports.find(({ type, nominated }) => type === "candidate-pair" && nominated);
  const sum = (some) => some.reduce((total, { rate }) => total + rate, 0);
  const sent = all.filter(({ mine }) => mine);
  const received = all.filter(({ mine }) => !mine);
  const losses = sent.map(({ loss }) => loss).filter((loss) => loss !== undefined);
  return {
    connected: Boolean(pair),
    roundTrip: told.round_trip || pair?.currentRoundTripTime,
    down: { rate: sum(received), most: told.estimate, loss: told.loss },
    up: {
      rate: sum(sent),
      most: pair?.availableOutgoingBitrate,
      loss: losses.length ? Math.max(...losses) : undefined,
    },
  };
}

/** "good", "fair" or "poor": by the worse of both directions. */
export function verdict({ roundTrip = 0, down, up }) {
  const within = (limit) =>
    roundTrip < limit.roundTrip && (down.loss ?? 0) < limit.loss && (up.loss ?? 0) < limit.loss;
  return within(GOOD) ? "good" : within(FAIR) ? "fair" : "poor";
}
