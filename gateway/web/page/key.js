// The key of a link, which stands in its fragment, as no server and no log sees that.
//
// A guest's is there to be passed on, a host's is not: it goes from the address bar, where it would be copied or
// seen on a shared screen, into this tab's memory, if the tab has any.

import { tab } from "./store.js";

/** Where the key for the room at that path is kept. */
const place = (path) => `passerelle.key.${path.replace(/\/$/, "")}`;
const keyIn = (link) => new URLSearchParams(link.hash.slice(1)).get("k") ?? undefined;
/** Whether a key claims to be a host's: a hint for what the page offers, the server looks at the signature.
 *  Version 1, "h", in base64url (gateway/web/tokens.py). */
const isHosts = (key) => key?.startsWith("AWg") ?? false;

/** Keep a link's key if it is a host's; what is left of the link. */
export function keepKey(text) {
  const link = new URL(text, location.href);
  const key = keyIn(link);
  if (isHosts(key) && tab.set(place(link.pathname), key)) link.hash = "";
  return link.href;
}

export const linkKey = () => keyIn(location) ?? tab.get(place(location.pathname)) ?? undefined;

/** The link that opens this room for a host, or null when this tab did not come by one. */
export const hostLink = () => (isHosts(linkKey()) ? new URL(`#k=${linkKey()}`, location.href).href : null);

/** The key opened nothing. */
export const forgetKey = () => tab.remove(place(location.pathname));
