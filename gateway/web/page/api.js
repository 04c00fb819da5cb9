// The HTTP interface. Errors are `Refused`: a code that has a text in the catalogue.

export class Refused extends Error {
  /** `code` names a text; `passing` says that trying again later may help. */
  constructor(code, passing = false) {
    super(code);
    this.code = code;
    this.passing = passing;
  }
}

const SAME = { full: "room_full", locked: "room_locked" }; // as the WebSocket names them
const BY_STATUS = {
  401: "forbidden",
  403: "forbidden",
  404: "no_room",
  409: "room_locked",
  422: "invalid",
  429: "throttled",
};

async function ask(path, body) {
  const request =
    body === undefined
      ? {}
      : {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(body),
        };
  let answer;
  try {
    answer = await fetch(path, { ...request, cache: "no-store" });
  } catch {
    throw new Refused("offline", true);
  }
  const content = await answer.json().catch(() => ({}));
  if (answer.ok) return content;
  const code = content.code ?? BY_STATUS[answer.status] ?? "unavailable"; // no code: a proxy speaks
  throw new Refused(SAME[code] ?? code, answer.status >= 500);
}

export const createMeeting = (name) => ask("/api/meetings", name ? { name } : {});
export const room = (slug) => ask(`/api/rooms/${encodeURIComponent(slug)}`);
export const join = (request) => ask("/api/join", request);

/** The signed key of a host's or guest's link. It stays in the fragment, which no server and no log sees. */
export const linkKey = () => new URLSearchParams(location.hash.slice(1)).get("k") ?? undefined;
