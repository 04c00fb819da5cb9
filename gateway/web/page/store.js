// What the browser keeps for us: `kept` for this browser, `tab` for this tab, reloads included.
//
// Where the person has blocked site data even looking at a storage throws: everything works all the same, and
// nothing is remembered.

class Store {
  #storage;

  /** `storage()` gives the browser's. */
  constructor(storage) {
    this.#storage = storage;
  }

  /** What was put there, or null. */
  get(key) {
    try {
      return JSON.parse(this.#storage().getItem(key));
    } catch {
      return null; // blocked, or of another version of this page
    }
  }

  /** Whether it is kept. */
  set(key, value) {
    try {
      this.#storage().setItem(key, JSON.stringify(value));
      return true;
    } catch {
      return false; // blocked, or full
    }
  }

  remove(key) {
    try {
      this.#storage().removeItem(key);
    } catch {
      /* nothing was kept */
    }
  }
}

export const kept = new Store(() => localStorage);
export const tab = new Store(() => sessionStorage);
