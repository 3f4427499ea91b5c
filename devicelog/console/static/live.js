// Live updates and quiet forms. Everything works without this file, by reloading.
"use strict";
(() => {
  const place = document.querySelector("[data-live]");
  if (!place || !window.EventSource) return;
  const put = (id, html) => {
    const there = document.getElementById(id);
    if (there) there.innerHTML = html; // made and escaped by the server
  };
  const again = async () => {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (answer.redirected && new URL(answer.url).pathname !== location.pathname) {
      location.href = answer.url;
      return;
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const card of page.querySelectorAll("section.device")) {
      const there = document.getElementById(card.id);
      if (there && !there.querySelector("details[open]")) there.replaceWith(card);
    }
  };
  const open = () => {
    const source = new EventSource(place.dataset.live);
    source.addEventListener("piece", (event) => {
      const piece = JSON.parse(event.data);
      put(piece.id, piece.html);
    });
    source.addEventListener("stale", again);
    source.addEventListener("over", () => { location.href = "/login"; });
    source.addEventListener("open", () => document.body.classList.remove("cut"));
    source.addEventListener("error", () => document.body.classList.add("cut"));
  };
  open();
})();
