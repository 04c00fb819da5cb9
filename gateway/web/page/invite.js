// The invitation, shown and copied: link, telephone number with PIN, SIP address.

import { button, dialog, h } from "./dom.js";
import { t } from "./i18n.js";
import { hostLink } from "./key.js";
import { notice } from "./notices.js";

// In threes, the last group a little longer: 916 879 8253.
const spaced = (digits) => digits.replace(/(\d{3})(?=\d{3})/g, "$1 ");

/** The invitation as text to paste into a message. */
function text({ meeting, invitation }) {
  const { link, number, pin, sip_uri } = invitation;
  return [
    t("invite.text.title", { name: meeting.name }),
    link && t("invite.text.link", { link }),
    number &&
      (pin ? t("invite.text.phone", { number, pin: spaced(pin) }) : t("invite.text.number", { number })),
    sip_uri && t("invite.text.sip", { uri: sip_uri }),
  ]
    .filter(Boolean)
    .join("\n");
}

async function copy(words) {
  try {
    await navigator.clipboard.writeText(words);
    notice("invite.copied");
  } catch {
    notice("invite.copy_failed", { kind: "error" });
  }
}

export function inviteDialog({ state }) {
  const { link, number, pin, sip_uri } = state.invitation;
  const lines = [
    ["link", link],
    ["number", number],
    ["pin", pin && spaced(pin)],
    ["sip", sip_uri],
  ];
  const rows = lines
    .filter(([, value]) => value)
    .map(([kind, value]) =>
      h(
        "div",
        {},
        h("dt", { text: `invite.${kind}` }),
        h(
          "dd",
          {},
          value,
          button("copy", `invite.copy.${kind}`, () => copy(value), { quiet: true, class: "icon" }),
        ),
      ),
    );
  const hosts = state.me?.host && hostLink();
  const copied = (words) => () => {
    copy(words);
    box.close();
  };
  const box = dialog(
    "invite.title",
    h("dl", { class: "invitation" }, rows),
    hosts && h("p", { class: "hint", text: "invite.hosts" }),
    h(
      "footer",
      {},
      hosts && button("copy", "invite.copy.hosts", copied(hosts)),
      button("copy", "invite.copy_all", copied(text(state)), { class: "primary", "data-first": true }),
    ),
  );
}
