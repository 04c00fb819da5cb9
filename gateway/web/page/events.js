/** What others listen to; which events there are stands with each class. */
export class Emitter extends EventTarget {
  emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
