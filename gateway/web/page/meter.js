// How loud the microphone is, from a copy of its track that stays open while muted: so the page can show a
// level before joining, and say "you are muted" to somebody who speaks.

const STEP = 100; // ms
const LOUD = 0.08; // of full scale, for SPEECH steps in a row
const SPEECH = 6;

/** Calls `level(0…1)` every STEP; returns a function that stops. */
function meter(track, level) {
  const copy = track.clone();
  copy.enabled = true;
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(new MediaStream([copy])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    level(Math.min(1, Math.sqrt(power) * 4));
  }, STEP);
  return () => {
    clearInterval(timer);
    copy.stop();
    context.close();
  };
}

/** Follows `devices`' microphone; `heard(level, speaking)` every STEP. Returns a function that stops. */
export function listen(devices, heard) {
  let track = null;
  let stop = () => {};
  let steps = 0;
  const follow = () => {
    if (devices.tracks.microphone === track) return;
    stop();
    track = devices.tracks.microphone;
    stop = track
      ? meter(track, (level) => {
          steps = level > LOUD ? steps + 1 : 0;
          heard(level, steps === SPEECH);
        })
      : () => {};
  };
  devices.addEventListener("change", follow);
  follow();
  return () => {
    devices.removeEventListener("change", follow);
    stop();
  };
}
