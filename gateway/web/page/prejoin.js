// Before the door: name, devices, a look at oneself, and a word when a device cannot be had.

import { linkKey } from "./api.js";
import { button, h, say } from "./dom.js";
import { redraw } from "./icons.js";
import { listen } from "./meter.js";
import { brand, errorText, languageChoice } from "./screens.js";
import { deviceChoices } from "./settings.js";

const STORED = "passerelle.name";

/** A switch for the microphone or the camera that follows `devices`. */
export function deviceSwitch(source, devices, props) {
  const off = source === "microphone" ? "muted" : "camera-off";
  const made = button(source, `control.${source}.off`, () => devices.turn(source, !devices.isOn(source)), {
    quiet: true,
    ...props,
  });
  const update = () => {
    const on = devices.isOn(source);
    redraw(made.querySelector("svg"), on ? source : off);
    say(made, `control.${source}.${on ? "off" : "on"}`, "tip");
    made.classList.toggle("off", !on);
    made.classList.toggle("troubled", Boolean(devices.troubles[source]));
  };
  devices.addEventListener("change", update);
  devices.addEventListener("trouble", update);
  update();
  return made;
}

function preview(devices) {
  const video = h("video", { muted: true, autoplay: true, playsInline: true, label: "prejoin.preview" });
  const none = h("p", { text: "prejoin.no_picture" });
  const update = () => {
    const track = devices.tracks.camera;
    if (track !== video.srcObject?.getTracks()[0]) video.srcObject = track && new MediaStream([track]);
    video.hidden = !track;
    none.hidden = Boolean(track);
  };
  devices.addEventListener("change", update);
  update();
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
  const update = () =>
    list.replaceChildren(
      ...Object.entries(devices.troubles).map(([source, reason]) =>
        h("li", { text: `trouble.${source}.${reason}` }),
      ),
    );
  devices.addEventListener("trouble", update);
  devices.addEventListener("change", update);
  update();
  return list;
}

export function prejoinScreen(room, devices, { enter, switchLanguage }) {
  const level = h("meter", { min: 0, max: 1, value: 0, label: "prejoin.level" });
  const stopListening = listen(devices, (value) => {
    level.value = value;
  });
  const name = h("input", {
    id: "name",
    name: "name",
    required: true,
    maxLength: 60,
    autocomplete: "name",
    autofocus: true,
    value: localStorage.getItem(STORED) ?? "",
  });
  const key = linkKey();
  const needsPin = room.pin_needed && !key;
  const asks = room.access === "waiting" && !key;
  const pin =
    needsPin &&
    h("input", {
      id: "pin",
      name: "pin",
      required: true,
      inputmode: "numeric",
      autocomplete: "off",
      pattern: "[0-9 ]+",
      maxLength: 20,
    });
  const trouble = h("p", { class: "trouble", role: "alert", id: "join-trouble" });
  const join = h("button", {
    type: "submit",
    class: "primary wide",
    text: asks ? "prejoin.ask" : "prejoin.join",
  });

  const submit = async (event) => {
    event.preventDefault();
    const wanting = [name, pin].find((field) => field && !field.value.trim());
    if (wanting) {
      say(trouble, `prejoin.${wanting.id}_wanted`);
      return wanting.focus();
    }
    join.disabled = true;
    trouble.textContent = "";
    localStorage.setItem(STORED, name.value.trim());
    try {
      await enter({ name: name.value.trim(), pin: pin ? pin.value.replaceAll(" ", "") : undefined });
    } catch (error) {
      if (!error.code) throw error;
      say(trouble, errorText(error.code));
      if (error.code === "wrong_pin") pin?.select();
    } finally {
      join.disabled = false;
    }
  };

  const screen = h(
    "main",
    { class: "entry prejoin" },
    h("header", {}, brand(), languageChoice(switchLanguage)),
    h(
      "div",
      { class: "columns" },
      h("section", { class: "look", label: "prejoin.devices" }, preview(devices), level, troubles(devices)),
      h(
        "section",
        { class: "card" },
        h("h1", { tabindex: "-1" }, room.name),
        h("p", { class: "lead", text: asks ? "prejoin.waiting" : "prejoin.open" }),
        h(
          "form",
          { onsubmit: submit, novalidate: true, "aria-describedby": trouble.id },
          h("label", { for: "name", text: "prejoin.name" }),
          name,
          pin && [h("label", { for: "pin", text: "prejoin.pin" }), pin],
          trouble,
          join,
        ),
      ),
      deviceChoices(devices),
    ),
  );
  screen.gone = stopListening;
  return screen;
}
