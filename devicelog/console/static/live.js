// Live updates, quiet forms, search while typing. Everything works without this file.
"use strict";
(() => {
  const find = (id) => document.getElementById(id);
  const parsed = (text) => new DOMParser().parseFromString(text, "text/html");

  // Where somebody is: after a change the same card has the focus again, else the page.
  let place = "";
  const stand = () => {
    const card = find(place);
    (card?.querySelector("summary") ?? card?.querySelector("a, button") ?? find("main"))
      ?.focus();
  };

  // A form that leaves the page where it is: sent, and what came of it is put in place.
  // What is told stays the element that it is: only then is a change of it read out.
  const settle = async (answer) => {
    const path = new URL(answer.url).pathname;
    if (!answer.ok || path !== location.pathname) {
      if (answer.ok) { location.href = answer.url; return; }
    }
    const page = parsed(await answer.text());
    for (const id of ["main", "told"]) {
      const made = page.getElementById(id);
      if (made && find(id)) find(id).replaceChildren(...made.childNodes);
    }
    stand();
  };
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.dataset.quiet === undefined) return;
    event.preventDefault();
    place = form.closest("section[id]")?.id ?? place;
    const sent = new URLSearchParams(new FormData(form, event.submitter));
    for (const button of form.querySelectorAll("button")) button.disabled = true;
    await settle(await fetch(form.action, { method: "POST", body: sent }));
  });

  // Search while typing: the offers of this panel alone.
  let waits = 0;
  const offered = async (form) => {
    const asked = new URLSearchParams(new FormData(form));
    asked.set("part", "1");
    const answer = await fetch(form.action + "?" + asked);
    const place = form.parentElement.querySelector("[data-offers]");
    if (answer.ok && place) place.innerHTML = await answer.text();
    return place;
  };
  // A scanner types a whole code and Enter: that is one person, who is meant.
  const plain = (text) => text.replace(/[\s-]/g, "").toUpperCase();
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.dataset.find === undefined) return;
    event.preventDefault();
    clearTimeout(waits);
    const place = await offered(form);
    const found = place ? place.querySelectorAll("button.person") : [];
    if (found.length !== 1) return;
    const offers = place.closest("form");
    const meant = plain(found[0].value) === plain(form.elements.q.value);
    if (meant && !offers.elements.reason) offers.requestSubmit(found[0]);
    else found[0].focus();
  });
  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-find]");
    if (!form) return;
    clearTimeout(waits);
    waits = setTimeout(() => offered(form), 250);
  });

  // One tap copies the line for the notes; without this file it is marked by hand.
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const line = button.parentElement.querySelector("[data-line]");
      line.select();
      navigator.clipboard?.writeText(line.value);
    });
  }

  const shown = document.querySelector("[data-live]");
  if (!shown || !window.EventSource) return;
  // Who chose for the next treatment while it began, chose for this one; no choice that
  // was for a treatment is ever turned to another.
  const began = (there, card) => {
    const now = card.querySelector("input[name=session]")?.value;
    for (const it of there.querySelectorAll("input[name=session]")) {
      if (!it.value && now) it.value = now;
    }
  };
  const again = async () => {
    const answer = await fetch(location.href);
    if (new URL(answer.url).pathname !== location.pathname) {
      location.href = answer.url;
      return;
    }
    for (const card of parsed(await answer.text()).querySelectorAll("section.device")) {
      const there = find(card.id);
      if (!there) continue;
      if (there.querySelector("details[open]")) { began(there, card); continue; }
      const within = there.contains(document.activeElement);
      there.replaceWith(card);
      if (within) { place = card.id; stand(); }
    }
  };
  // What a device does is read out when that changes; its ring and dose are not.
  const state = (card) => card.querySelector(".state")?.textContent;
  const news = (id, was, is) => {
    if (!is || was === is) return;
    const said = document.createElement("p");
    said.textContent = `${find(id.replace("live-", "label-"))?.textContent}: ${is}`;
    find("news").append(said);
    while (find("news").children.length > 5) find("news").firstChild.remove();
  };
  const source = new EventSource(shown.dataset.live);
  source.addEventListener("piece", (event) => {
    const piece = JSON.parse(event.data);
    const there = find(piece.id);
    if (!there) return;
    const was = state(there);
    there.innerHTML = piece.html; // made and escaped by the server
    news(piece.id, was, state(there));
  });
  source.addEventListener("stale", (event) => {
    const mark = JSON.parse(event.data);
    if (find(mark.id)?.dataset.mark !== mark.html) again();
  });
  source.addEventListener("over", () => { location.href = "/login"; });
  source.addEventListener("open", () => document.body.classList.remove("cut"));
  source.addEventListener("error", () => document.body.classList.add("cut"));
})();
