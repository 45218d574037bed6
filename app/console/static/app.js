// Keyboard shortcuts, live updates and copying. Every page works without this file.
"use strict";
(() => {
  const find = (selector, root = document) => root.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];

  // --- shortcuts: single keys act on the page, "g" starts a jump; off in fields and when switched off in Help
  const KEY = "stillwatch.shortcuts";
  const stored = () => { try { return localStorage.getItem(KEY); } catch { return null; } };
  const on = () => stored() !== "off";
  let jumping = 0;

  const typing = (target) => target.closest("input, textarea, select, [contenteditable], dialog") !== null;

  function move(step) {
    const rows = all("a[data-row]");
    if (!rows.length) return false;
    const here = document.activeElement.closest("tr");
    const at = rows.findIndex((row) => row === document.activeElement || (here && row.closest("tr") === here));
    const next = at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + step, 0), rows.length - 1);
    rows[next].focus();
    return true;
  }

  function press(key) {
    const target = find(`[data-key="${CSS.escape(key)}"]`);
    if (!target) return false;
    if (target.matches("input, select, textarea")) {
      target.scrollIntoView({ block: "center" });
      target.focus();
    } else {
      target.click();
    }
    return true;
  }

  function help() {
    const dialog = find("#shortcuts");
    if (!dialog) return false;
    if (dialog.open) dialog.close(); else dialog.showModal();
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (!on() || typing(event.target)) return;
    const key = event.key;
    let done = false;
    if (jumping && event.timeStamp - jumping < 1500) {
      jumping = 0;
      done = press(`g ${key}`);
    } else if (key === "g") {
      jumping = event.timeStamp;
      done = true;
    } else if (key === "j" || key === "k") {
      done = move(key === "j" ? 1 : -1);
    } else if (key === "?") {
      done = help();
    } else if (/^[a-z/]$/.test(key)) {
      done = press(key);
    }
    if (done) event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]")) find("#shortcuts")?.close();
    if (event.target.closest("[data-help]") && on() && help()) event.preventDefault();
  });

  const toggle = find("[data-shortcuts-toggle]");
  if (toggle) {
    const paint = () => { toggle.textContent = on() ? "Switch shortcuts off" : "Switch shortcuts on"; };
    toggle.hidden = false;
    paint();
    toggle.addEventListener("click", () => {
      try { localStorage.setItem(KEY, on() ? "off" : "on"); } catch { /* private mode: shortcuts stay on */ }
      paint();
    });
  }

  // --- what was done is said once: neither a reload nor the address passed on says it again
  const here = new URL(location.href);
  if (here.searchParams.has("done")) {
    here.searchParams.delete("done");
    history.replaceState(history.state, "", here);
  }

  // --- live: the strip above a list is fetched anew; rows never move under the reader
  const live = find("[data-poll]");
  if (live) {
    const said = find("#said");
    let failures = 0;
    const later = () => setTimeout(ask, Math.min(15000 * 2 ** failures, 120000));
    const ask = async () => {
      if (document.hidden) return later();
      try {
        const answer = await fetch(live.dataset.poll, { headers: { accept: "text/html" }, redirect: "error" });
        if (!answer.ok) throw new Error(String(answer.status));
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        if (!live.contains(document.activeElement)) live.replaceChildren(...page.body.childNodes);
        const news = find("[data-new]", live);
        if (news && said && said.textContent !== news.textContent) said.textContent = news.textContent;
        failures = 0;
      } catch {
        failures += 1;
        const lost = find("[data-lost]");
        if (lost && failures > 1) lost.hidden = false;
      }
      if (!failures && find("[data-lost]")) find("[data-lost]").hidden = true;
      return later();
    };
    later();
  }

  // --- copy as Markdown: without script the link opens the text
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-copy]");
    if (!link || !navigator.clipboard) return;
    event.preventDefault();
    const said = find("#said");
    try {
      const answer = await fetch(link.href);
      if (!answer.ok) throw new Error(String(answer.status));
      await navigator.clipboard.writeText(await answer.text());
      link.textContent = "Copied";
      if (said) said.textContent = "The alert is on the clipboard as Markdown";
    } catch {
      location.assign(link.href);
    }
  });
})();
