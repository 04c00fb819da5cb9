// The choice of devices, before and during a meeting.

import { dialog, follow, h } from "./dom.js";
import { t } from "./i18n.js";
import { languageChoice } from "./screens.js";

function choice(kind, devices) {
  const select = h("select", { id: `choose-${kind}`, onchange: () => devices.choose(kind, select.value) });
  const row = h("p", { class: "field" }, h("label", { for: select.id, text: `devices.${kind}` }), select);
  follow(row, devices, ["list", "change"], () => {
    const list = devices.list[kind];
    const current = devices.tracks[kind]?.getSettings().deviceId ?? devices.chosen[kind] ?? "default";
    select.replaceChildren(
      ...list.map((device, index) =>
        h(
          "option",
          { value: device.deviceId, selected: device.deviceId === current },
          device.label || `${t(`devices.${kind}`)} ${index + 1}`,
        ),
      ),
    );
    row.hidden = list.length === 0;
  });
  return row;
}

/** Selects for microphone, camera and, where the browser lets us, loudspeaker. */
export function deviceChoices(devices) {
  const kinds = ["microphone", "camera", ...("setSinkId" in HTMLMediaElement.prototype ? ["speaker"] : [])];
  return h(
    "div",
    { class: "choices" },
    kinds.map((kind) => choice(kind, devices)),
  );
}

export function settingsDialog(devices) {
  dialog(
    "settings.title",
    deviceChoices(devices),
    h("p", { class: "field" }, h("span", { text: "language" }), languageChoice()),
  );
}
