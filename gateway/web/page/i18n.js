// Texts: one catalogue a language, made from config/texts/page and fetched from beside this module.

import { kept } from "./store.js";

export const LANGUAGES = { fr: "Français", en: "English" };

const STORED = "passerelle.language";
let texts = {};
let plural = new Intl.PluralRules("en");
export let language = "en";
let locale = "en"; // of that language the browser's own kind: 24 hours in en-GB

/** Take the language chosen earlier, or else the first of the browser's that we speak. */
export function preferred() {
  const wishes = [kept.get(STORED), ...navigator.languages].map((tag) => tag?.slice(0, 2));
  return wishes.find((tag) => tag in LANGUAGES) ?? "en";
}

export async function load(chosen) {
  const answer = await fetch(new URL(`texts/${chosen}.json`, import.meta.url));
  if (!answer.ok) return location.reload(); // the server has a newer page than this one
  texts = await answer.json();
  language = chosen;
  locale = navigator.languages.find((tag) => tag.startsWith(chosen)) ?? chosen;
  plural = new Intl.PluralRules(chosen);
  document.documentElement.lang = chosen;
}

export async function choose(chosen) {
  kept.set(STORED, chosen);
  await load(chosen);
}

/** The text of `key`, its `{names}` filled in; with a `count`, the form of the language's plural. */
export function t(key, values = {}) {
  const text = texts[key] ?? texts[`${key}.${plural.select(values.count)}`] ?? texts[`${key}.other`];
  if (text === undefined) throw new Error(`no text ${key}`);
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export const has = (key) => key in texts || `${key}.other` in texts;

/** 1,200,000 → "1.2 Mbit/s". */
export function bits(rate) {
  const [unit, value] = rate < 1e6 ? ["kbit/s", rate / 1e3] : ["Mbit/s", rate / 1e6];
  const digits = { maximumFractionDigits: rate < 1e6 ? 0 : 1 };
  return `${value.toLocaleString(locale, digits)}\u00a0${unit}`;
}

/** 0.004 → "0.4 %", as the language writes it. */
export const percent = (part) => part.toLocaleString(locale, { style: "percent", maximumFractionDigits: 1 });

export const time = (date) => date.toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit" });
