// Which tile goes where: arithmetic without DOM.

const GAP = 8; // CSS pixels

export const upright = (width, height) => height > 1.2 * width;

/** Faces fill a portrait screen better as squares. */
const ratio = (width, height) => (upright(width, height) ? 1 : 16 / 9);

/** The columns that make `count` tiles as large as `width` × `height` allows, and a tile's width and ratio. */
export function grid(count, width, height) {
  const shape = ratio(width, height);
  let best = { columns: 1, width: 0, ratio: shape };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const across = (width - GAP * (columns - 1)) / columns;
    const down = (height - GAP * (rows - 1)) / rows;
    const size = Math.floor(Math.min(across, down * shape));
    if (size > best.width) best = { columns, width: size, ratio: shape };
  }
  return best;
}

/** How many tiles a page holds so that none is narrower than `least`. */
export function capacity(count, width, height, least) {
  let some = count;
  while (some > 1 && grid(some, width, height).width < least) some -= 1;
  return some;
}

/**
 * Keep an order of tiles that people can learn: newcomers go to the end, and a speaker who is not among the
 * first `visible` changes places with the visible one who has been silent longest. `spoke` maps ids to when they
 * last spoke.
 */
export function order(before, present, speaking, visible, spoke) {
  const ids = before.filter((id) => present.includes(id));
  ids.push(...present.filter((id) => !ids.includes(id)));
  for (const id of speaking) {
    const at = ids.indexOf(id);
    if (at < visible) continue;
    const quiet = ids.slice(0, visible).filter((each) => !speaking.includes(each));
    const out = quiet.toSorted((a, b) => (spoke.get(a) ?? 0) - (spoke.get(b) ?? 0))[0];
    if (out === undefined) break;
    ids[ids.indexOf(out)] = id;
    ids[at] = out;
  }
  return ids;
}
