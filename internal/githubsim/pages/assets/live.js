// Keeps an open page up to date: asks whether anything has changed, and then
// puts the new content in the old one's place. Without this script the page is
// the same after a reload.
(() => {
  "use strict";
  let known = document.body.dataset.version;
  let wait = 1000;

  // An open reply or a half-written comment is not taken away.
  const busy = () =>
    Array.from(document.querySelectorAll("textarea")).some((t) => t.value !== "" || t === document.activeElement);

  // What a person has opened or closed stays so.
  const folds = (root) => new Map(Array.from(root.querySelectorAll("details[id]"), (d) => [d.id, d]));

  async function refresh() {
    const response = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!response.ok) return;
    const next = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = next.getElementById("main");
    if (!fresh || busy()) return;
    const before = folds(document);
    folds(fresh).forEach((d, id) => {
      const old = before.get(id);
      if (old && old.className === d.className) d.open = old.open;
    });
    document.getElementById("main").replaceWith(fresh);
    document.title = next.title;
  }

  async function poll() {
    for (;;) {
      try {
        const response = await fetch("/-/changed?known=" + encodeURIComponent(known));
        if (response.status === 200) {
          const now = await response.text();
          if (busy()) await new Promise((done) => setTimeout(done, 1000));
          else {
            known = now;
            await refresh();
          }
        }
        wait = 1000;
      } catch {
        await new Promise((done) => setTimeout(done, wait));
        wait = Math.min(wait * 2, 30000);
      }
    }
  }
  poll();
})();
