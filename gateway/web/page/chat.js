// The chat. Its texts are plain: only http and https addresses become links.

import { button, fill, h } from "./dom.js";
import { time } from "./i18n.js";
import { notice } from "./notices.js";

const LONGEST = 2000; // characters
const ADDRESS = /\bhttps?:\/\/[^\s<>"'’”»]+/giu;

/** Text with its addresses as links; the punctuation of the sentence around them is not part of them. */
function linked(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = match[0].replace(match[0].includes("(") ? /[.,;:!?…]+$/ : /[).,;:!?…]+$/, "");
    if (!URL.canParse(address)) continue;
    const link = h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, address);
    parts.push(text.slice(end, match.index), link);
    end = match.index + address.length;
  }
  return [...parts, text.slice(end)];
}

export class Chat {
  #session;
  #list = h("ol", {});
  #log = h("div", { class: "log", role: "log", label: "chat.log", tabindex: "0" }, this.#list);
  #empty = h("p", { class: "empty", text: "chat.empty" });
  #text = h("textarea", {
    rows: 1,
    maxLength: LONGEST,
    label: "chat.write",
    hint: "chat.write",
    onkeydown: (event) => this.#key(event),
    oninput: () => this.#grow(),
  });
  #drawn = new Set(); // id and time: a meeting that begins anew, after its server did, numbers from 1 again

  constructor(session) {
    this.#session = session;
    this.element = h(
      "section",
      { class: "chat" },
      this.#empty,
      this.#log,
      h(
        "form",
        {
          onsubmit: (event) => {
            event.preventDefault();
            this.#send();
          },
        },
        this.#text,
        button("send", "chat.send", null, { quiet: true, class: "icon primary", type: "submit" }),
      ),
    );
  }

  focus() {
    this.#text.focus();
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  /** Add what is new; follow the end unless somebody is reading further up. What was read stays. */
  update() {
    const { chat, you } = this.#session.state;
    const log = this.#log;
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    let last = this.#list.lastElementChild;
    for (const message of chat) {
      const key = `${message.id} ${message.at}`;
      if (this.#drawn.has(key)) continue;
      this.#drawn.add(key);
      const line = h("p", {});
      fill(line, ...linked(message.text));
      const goesOn =
        last?.dataset.from === message.from && Date.parse(message.at) - last.dataset.at < 120_000;
      if (!goesOn) {
        const at = new Date(message.at);
        last = h(
          "li",
          { class: message.from === you ? "mine" : "" },
          h(
            "p",
            { class: "from" },
            h("b", {}, message.name),
            " ",
            h("time", { datetime: message.at }, time(at)),
          ),
        );
        last.dataset.from = message.from;
        last.dataset.at = at.getTime();
        this.#list.append(last);
      }
      last.append(line);
    }
    this.#empty.hidden = this.#drawn.size > 0;
    if (atEnd) log.scrollTop = log.scrollHeight;
  }

  #send() {
    const text = this.#text.value.trim();
    if (!text) return;
    if (!this.#session.send("chat", { text })) return notice("chat.not_sent", { kind: "error" });
    this.#text.value = "";
    this.#grow();
  }

  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#send();
  }

  #grow() {
    this.#text.style.height = "auto";
    this.#text.style.height = `${Math.min(140, this.#text.scrollHeight + 2)}px`;
  }
}
