// The HTTP interface. Errors are `Refused`: a code that has a text in the catalogue.

import { language } from "./i18n.js";

class Refused extends Error {
  /** `code` names a text; `passing` says that trying again later may help, `wait` after how many seconds. */
  constructor(code, passing = false, wait = 0) {
    super(code);
    this.code = code;
    this.passing = passing;
    this.wait = wait;
  }
}

const BY_STATUS = { 403: "forbidden", 404: "no_room", 429: "throttled" }; // without a code: a proxy speaks

const post = (path, body, options) =>
  fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    cache: "no-store",
    ...options,
  });

async function ask(path, body, options) {
  let answer;
  try {
    answer = body ? await post(path, body) : await fetch(path, { cache: "no-store", ...options });
  } catch {
    throw new Refused("offline", true);
  }
  const content = await answer.json().catch(() => ({}));
  if (answer.ok) return content;
  const passing = answer.status === 429 || answer.status >= 500;
  const wait = Number(answer.headers.get("retry-after"));
  throw new Refused(content.code ?? BY_STATUS[answer.status] ?? "unavailable", passing, wait);
}

export const createMeeting = (name) => ask("/api/meetings", { name, language });
/** Without its key a room that needs one does not say what it is called. */
export function room(slug, key) {
  const headers = key ? { "room-key": encodeURIComponent(key) } : {};
  return ask(`/api/rooms/${encodeURIComponent(slug)}`, undefined, { headers });
}
export const join = (request) => ask("/api/join", request);

/** Give a seat up, by a request that outlives the page. Nobody waits for the answer. */
export const leave = (seat) => post("/api/leave", seat, { keepalive: true }).catch(() => {});
