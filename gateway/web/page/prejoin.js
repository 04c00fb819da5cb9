// Before the door: name, devices, a look at oneself, and a word when a device cannot be had.

import { button, carry, fill, follow, h, hush, say } from "./dom.js";
import { redraw } from "./icons.js";
import { forgetKey, hostLink, linkKey } from "./key.js";
import { listen } from "./meter.js";
import { errorText, screen } from "./screens.js";
import { deviceChoices } from "./settings.js";
import { kept } from "./store.js";

const STORED = "passerelle.name";

/** A switch for the microphone or the camera that follows `devices`. */
export function deviceSwitch(source, devices, props) {
  const off = source === "microphone" ? "muted" : "camera-off";
  const made = button(source, `control.${source}.off`, () => devices.toggle(source), { quiet: true, ...props });
  follow(made, devices, ["change", "trouble"], () => {
    const on = devices.isOn(source);
    redraw(made.querySelector("svg"), on ? source : off);
    say(made, `control.${source}.${on ? "off" : "on"}`, "tip");
    made.classList.toggle("off", !on);
    made.classList.toggle("troubled", Boolean(devices.troubles[source]));
  });
  return made;
}

function preview(devices) {
  const video = h("video", { muted: true, autoplay: true, playsInline: true, label: "prejoin.preview" });
  const none = h("p", { text: "prejoin.no_picture" });
  follow(video, devices, ["change"], () => {
    const track = devices.tracks.camera;
    carry(video, track);
    video.hidden = !track;
    none.hidden = Boolean(track);
  });
  return h(
    "div",
    { class: "preview" },
    video,
    none,
    h(
      "div",
      { class: "switches" },
      deviceSwitch("microphone", devices, { class: "round" }),
      deviceSwitch("camera", devices, { class: "round" }),
    ),
  );
}

/** What is wrong with the devices, in words that say what to do. */
function troubles(devices) {
  const list = h("ul", { class: "troubles", role: "status" });
  const line = ([source, reason]) => h("li", { text: `trouble.${source}.${reason}` });
  follow(list, devices, ["change", "trouble"], () => fill(list, Object.entries(devices.troubles).map(line)));
  return list;
}

/** The PIN: asked for where it opens the door, and offered to those who have a host's, unless their link says it. */
function pinField(needed) {
  const pin = h("input", {
    id: "pin",
    name: "pin",
    inputmode: "numeric",
    autocomplete: "off",
    maxLength: 32, // with what people put between the digits: the server reads over it
    required: needed,
    "aria-describedby": "trouble",
  });
  const row = [h("label", { for: "pin", text: "prejoin.pin" }), pin];
  if (needed) return { pin, row };
  return {
    pin,
    row: h("details", { hidden: Boolean(hostLink()) }, h("summary", { text: "prejoin.have_pin" }), row),
  };
}

function entryForm(room, enter) {
  const key = linkKey();
  const asks = room.access === "waiting" && !hostLink();
  const needed = room.pin_needed && !key;
  const name = h("input", {
    id: "name",
    name: "name",
    maxLength: 60,
    autocomplete: "name",
    "data-first": true,
    required: true,
    "aria-describedby": "trouble",
    value: kept.get(STORED) ?? "",
  });
  const { pin, row } = pinField(needed);
  const trouble = h("p", { class: "trouble", role: "alert", id: "trouble" });
  const join = h("button", {
    type: "submit",
    class: "primary wide",
    text: asks ? "prejoin.ask" : "prejoin.join",
  });

  const submit = async (event) => {
    event.preventDefault();
    const who = { name: name.value.trim(), pin: pin.value.trim() || undefined };
    const wanting = !who.name ? name : needed && !who.pin ? pin : null;
    for (const field of [name, pin]) field.ariaInvalid = field === wanting ? "true" : null;
    if (wanting) {
      say(trouble, `prejoin.${wanting.id}_wanted`);
      return wanting.focus();
    }
    join.disabled = true;
    hush(trouble);
    kept.set(STORED, who.name);
    try {
      await enter(who);
    } catch (error) {
      if (!error.code) throw error;
      refused(error, who.pin);
    } finally {
      join.disabled = false;
    }
  };
  const refused = ({ code, wait }, tried) => {
    const badLink = code === "wrong_pin" && !tried;
    say(trouble, errorText(badLink ? "forbidden" : code, wait));
    if (badLink) {
      forgetKey();
      Object.assign(form.querySelector("details") ?? {}, { hidden: false, open: true }); // a PIN may do
    } else if (code === "wrong_pin") {
      pin.ariaInvalid = "true";
      pin.select();
    }
  };
  const form = h(
    "form",
    { onsubmit: submit, novalidate: true },
    h("label", { for: "name", text: "prejoin.name" }),
    name,
    row,
    trouble,
    join,
  );
  return h(
    "section",
    { class: "card" },
    h("h1", { tabindex: "-1" }, room.name),
    h("p", { class: "lead", text: asks ? "prejoin.waiting" : "prejoin.open" }),
    form,
  );
}

export function prejoinScreen(room, devices, enter) {
  const level = h("meter", { min: 0, max: 1, value: 0, label: "prejoin.level" });
  const look = h(
    "section",
    { class: "look", label: "prejoin.devices" },
    preview(devices),
    level,
    troubles(devices),
  );
  const shown = screen(
    "prejoin",
    h("main", { class: "columns" }, look, entryForm(room, enter), deviceChoices(devices)),
  );
  shown.gone = listen(devices, (value) => {
    level.value = value;
  });
  return shown;
}
