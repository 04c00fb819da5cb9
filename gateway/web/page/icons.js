// Our own icons: strokes on a 24 × 24 grid.

const SLASH = "M4 4l16 16";
const MICROPHONE =
  "M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21";
const CAMERA = "M4 7h9a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2zM15 11l6-3.5v9L15 13";

const PATHS = {
  microphone: MICROPHONE,
  muted: `${MICROPHONE}${SLASH}`,
  camera: CAMERA,
  "camera-off": `${CAMERA}${SLASH}`,
  screen: "M3 5h18v11H3zM8 20h8M12 16v4M12 13V8M9.5 10.5L12 8l2.5 2.5",
  hand: "M8 12V6a1.4 1.4 0 0 1 2.8 0v5V4.4a1.4 1.4 0 0 1 2.8 0V11 5.6a1.4 1.4 0 0 1 2.8 0V12 8.6a1.4 1.4 0 0 1 2.8 0V15a6 6 0 0 1-6 6h-1.2a6 6 0 0 1-4.6-2.2L4.4 14.4a1.5 1.5 0 0 1 2.2-2z",
  smile: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM8.5 14.5a4.5 4.5 0 0 0 7 0M9 9.5v.5M15 9.5v.5",
  chat: "M4 5h16v11H10l-5 4v-4H4z",
  people:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20a6.5 6.5 0 0 1 13 0M16 4.3a3.5 3.5 0 0 1 0 6.4M18 14a6.5 6.5 0 0 1 3.5 6",
  person: "M12 11.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5a7.5 7.5 0 0 1 15 0",
  grid: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  speaker: "M3 4h18v11H3zM3 18h4v2H3zM10 18h4v2h-4zM17 18h4v2h-4z",
  more: "M12 4.6a.6.6 0 1 1 0 1.2.6.6 0 0 1 0-1.2zM12 11.4a.6.6 0 1 1 0 1.2.6.6 0 0 1 0-1.2zM12 18.2a.6.6 0 1 1 0 1.2.6.6 0 0 1 0-1.2z",
  leave: "M3 14.5c4.5-5.5 13.5-5.5 18 0l-2.2 2.7-4-1.7v-2.6a10 10 0 0 0-5.6 0v2.6l-4 1.7z",
  phone:
    "M6 3.5h3.5l1.5 4.5-2.2 1.6a11 11 0 0 0 5.6 5.6L16 13l4.5 1.5V18a2.5 2.5 0 0 1-2.7 2.5A16 16 0 0 1 3.5 6.2 2.5 2.5 0 0 1 6 3.5z",
  room: "M4 5h16v10H4zM9 19h6M12 15v4M8 11.5a4 4 0 0 1 8 0M12 8v.01",
  invite: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20a6.5 6.5 0 0 1 13 0M19 8v6M16 11h6",
  pin: "M9 3h6l-1 6 3 3v2H7v-2l3-3zM12 14v7",
  lock: "M6 11h12v9H6zM8.5 11V7.5a3.5 3.5 0 0 1 7 0V11",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M8 8h12v12H8zM16 8V4H4v12h4",
  send: "M4 12l16-8-6 16-3-6zM11 14l9-10",
  star: "M12 4l2.4 5 5.6.7-4.1 3.8 1.1 5.5-5-2.7-5 2.7 1.1-5.5L4 9.7 9.6 9z",
  chart: "M4 20h16M7 16v-4M12 16V6M17 16v-7",
  keyboard: "M3 6h18v12H3zM7 10v.01M11 10v.01M15 10v.01M17.5 10v.01M8 14h8",
  next: "M9 5l7 7-7 7",
  previous: "M15 5l-7 7 7 7",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(svg.namespaceURI, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** Show another icon in what `icon` made. */
export function redraw(svg, name) {
  svg.firstChild.setAttribute("d", PATHS[name]);
}
