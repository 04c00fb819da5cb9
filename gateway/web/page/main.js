// Where it starts: which screen is shown, and what leads from one to the next.
//
//   start ──room──▶ prejoin ──▶ waiting ──▶ meeting ──▶ over ──again──▶ prejoin
//                      │           ▲             ▲
//                      └───────────┴─────────────┴── a reloaded page with a seat

import { room as askRoom } from "./api.js";
import { Devices } from "./devices.js";
import { load, preferred } from "./i18n.js";
import { keepKey, linkKey } from "./key.js";
import { meetingScreen } from "./meeting.js";
import { notice } from "./notices.js";
import { prejoinScreen } from "./prejoin.js";
import { overScreen, startScreen, waitingScreen } from "./screens.js";
import { savedSeat, Session } from "./session.js";

const slug = /^\/r\/([^/]+)\/?$/.exec(location.pathname)?.[1];
const PATIENCE = 1500; // ms for devices that were open before; the seat is not kept for ever
const page = document.getElementById("page");
let leaveScreen = () => {};

/** Show a screen: an element, with `gone` to call when it is left. */
function show(screen, title) {
  leaveScreen();
  leaveScreen = screen.gone ?? (() => {});
  for (const box of document.querySelectorAll("dialog")) box.close();
  page.replaceChildren(screen);
  document.title = title ? `${title} · Passerelle` : "Passerelle";
  (screen.querySelector("[data-first]") ?? screen.querySelector("h1"))?.focus();
}

async function prejoin() {
  let room;
  try {
    room = await askRoom(slug, linkKey());
    room.name ??= slug;
  } catch (error) {
    return show(overScreen(error.code, { again: error.passing && prejoin }));
  }
  const devices = new Devices();
  show(
    prejoinScreen(room, devices, (who) => enter(room.name, devices, who)),
    room.name,
  );
  devices.open();
}

/** Join; resolves when the door has answered, throws `Refused` when it stays shut. */
async function enter(name, devices, who) {
  const session = new Session(slug, devices, who);
  follow(session, name);
  await session.start();
}

/** Show what becomes of the session. */
function follow(session, name) {
  const title = () => session.state.meeting.name || name;
  const screens = {
    waiting: () => waitingScreen("host", session, title()),
    seated: () => meetingScreen(session),
    over: () => overScreen(session.reason, { again: session.reason !== "removed" && prejoin, name: title() }),
  };
  session.addEventListener("phase", () => {
    if (session.phase === "over") session.devices.close();
    show(screens[session.phase](), title());
  });
  const lost = () => {
    if (session.phase !== "joining" || session.connection.state !== "waiting") return;
    session.removeEventListener("connection", lost);
    show(waitingScreen("service", session, title()), title());
  };
  session.addEventListener("connection", lost);
}

/** The page was reloaded: take the seat again with the devices that were on, without a question. */
async function resume(seat) {
  const devices = new Devices();
  Object.assign(devices.on, seat.on);
  const session = new Session(slug, devices, { name: seat.name, seat });
  follow(session, seat.room || slug);
  await Promise.race([devices.open(), new Promise((done) => setTimeout(done, PATIENCE))]);
  await session.start();
}

const hideKey = () => history.replaceState(null, "", keepKey(location.href));

async function main() {
  await load(preferred());
  if (!slug) return show(startScreen());
  hideKey();
  addEventListener("hashchange", hideKey);
  const seat = savedSeat(slug);
  if (seat) await resume(seat);
  else await prejoin();
}

addEventListener("unhandledrejection", ({ reason }) => {
  console.error(reason);
  notice("error.unexpected", { kind: "error", act: { text: "error.reload", run: () => location.reload() } });
});

main();
