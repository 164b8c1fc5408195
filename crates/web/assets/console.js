// What makes the console nicer where scripts run. Nothing here is needed: each page works without.
document.documentElement.classList.add("scripted");

// What takes longer than a moment shows that it does.
const waits = () => {
  const later = setTimeout(() => document.body.setAttribute("aria-busy", "true"), 300);
  return () => { clearTimeout(later); document.body.removeAttribute("aria-busy"); };
};

const announce = (text) => {
  let live = document.getElementById("live");
  if (!live) {
    live = Object.assign(document.createElement("p"), { id: "live", className: "hidden" });
    live.setAttribute("role", "status");
    (document.querySelector("dialog[open]") ?? document.body).append(live);
  }
  live.textContent = "";
  requestAnimationFrame(() => { live.textContent = text; });
};

// Copy: the button says so in its place, and so do screen readers.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  event.preventDefault();
  const from = document.getElementById(button.dataset.copy);
  const text = from.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Not every page may use the clipboard (plain HTTP, a frame): select it, so that the keyboard can.
    getSelection().selectAllChildren(from);
    document.execCommand("copy");
  }
  const word = button.querySelector("[data-word]") ?? button;
  const before = word.textContent;
  word.textContent = button.dataset.copied;
  announce(button.dataset.copied);
  from.dispatchEvent(new Event("copied", { bubbles: true }));
  setTimeout(() => { word.textContent = before; }, 2000);
});

// Leaving a secret that was not copied asks once.
const once = document.querySelector("[data-once]");
if (once) {
  let asked = false;
  let leaving = false;
  once.addEventListener("copied", () => { asked = true; });
  document.addEventListener("copy", () => { asked = true; });
  document.addEventListener("submit", () => { leaving = true; });
  document.addEventListener("click", (event) => { if (event.target.closest("[data-leave]")) leaving = true; });
  addEventListener("beforeunload", (event) => {
    if (asked || leaving) return;
    asked = true;
    event.preventDefault();
  });
  // What made this page was a form; coming back to it shows the token's page instead, also where the
  // browser kept the page as it was.
  history.replaceState(null, "", once.dataset.once);
  addEventListener("pagehide", () => { for (const secret of once.querySelectorAll(".secret code")) secret.textContent = ""; });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
}

// A kept secret is copied from its row: asked for, put on the clipboard, and not shown.
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-reveal]");
  if (!form || form.dataset.plain) return;
  event.preventDefault();
  const button = form.querySelector("button");
  try {
    const answer = await fetch(form.action, { method: "POST", credentials: "same-origin", body: new URLSearchParams(new FormData(form)) });
    const secret = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("secret");
    if (!answer.ok || answer.redirected || !secret) throw new Error("no secret came");
    await navigator.clipboard.writeText(secret.textContent);
    const word = button.querySelector("[data-word]");
    const before = word.textContent;
    word.textContent = button.dataset.copied;
    announce(button.dataset.copied);
    setTimeout(() => { word.textContent = before; }, 2000);
  } catch {
    // A page says what is missing, or shows it.
    form.dataset.plain = "yes";
    form.submit();
  }
});

// What belongs to a choice that was not made is folded away.
const fold = (root) => {
  for (const part of root.querySelectorAll("[data-part]")) {
    part.classList.toggle("folded", !document.getElementById(part.dataset.part)?.checked);
  }
};
fold(document);
document.addEventListener("change", (event) => {
  if (event.target.type === "radio") fold(event.target.form);
});

// What makes something is sent once, however often the button is pressed.
document.addEventListener("submit", (event) => {
  if (event.target.method !== "post" || event.defaultPrevented) return;
  if (event.target.dataset.sent) { event.preventDefault(); return; }
  event.target.dataset.sent = "yes";
  const done = waits();
  addEventListener("pageshow", () => { delete event.target.dataset.sent; done(); }, { once: true });
});

// Choices that filter a list are applied at once.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

// Fields that do not say anything stay out of the address.
document.addEventListener("submit", (event) => {
  if (event.target.method !== "get") return;
  for (const field of event.target.elements) if (field.name && field.value === "") field.disabled = true;
});

document.addEventListener("click", (event) => {
  const dismiss = event.target.closest("[data-dismiss]");
  if (!dismiss) return;
  event.preventDefault();
  dismiss.closest(".said").remove();
  const address = new URL(location);
  address.searchParams.delete("done");
  history.replaceState(null, "", address);
});

// A small page opens over this one. What it says when it does not work is its own page.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-dialog]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  const done = waits();
  try {
    const answer = await fetch(link.href, { credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const content = page.querySelector("[data-dialog-content]");
    if (!answer.ok || answer.redirected || !content) throw new Error("not a small page");
    const dialog = document.createElement("dialog");
    dialog.append(content);
    const title = content.querySelector("h1");
    title.id = "dialog-title";
    dialog.setAttribute("aria-labelledby", title.id);
    // A menu that led here has closed; then its button has the focus again.
    const menu = link.closest("[popover]");
    const back = menu ? document.querySelector(`[popovertarget="${menu.id}"]`) : link;
    dialog.addEventListener("close", () => { dialog.remove(); back.focus(); });
    dialog.addEventListener("click", (inside) => {
      if (inside.target.closest("[data-cancel]")) { inside.preventDefault(); dialog.close(); }
    });
    document.body.append(dialog);
    dialog.showModal();
  } catch {
    location.href = link.href;
  } finally {
    done();
  }
});

// Times in the reader's own zone, with the day beside them. English as the pages write it: the day first, and twenty-four hours.
const language = document.documentElement.lang.replace(/^en$/, "en-GB");
const moments = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.valueOf())) continue;
  time.title = moments.format(at);
  if (time.dataset.local !== undefined) time.textContent = time.title;
}
