// What makes the console nicer where scripts run. Nothing here is needed: each page works without.
document.documentElement.classList.add("scripted");

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
  addEventListener("beforeunload", (event) => {
    if (asked || leaving) return;
    asked = true;
    event.preventDefault();
  });
  // What made this page was a form; coming back to it shows the token's page instead.
  history.replaceState(null, "", once.dataset.once);
}

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
  const waiting = setTimeout(() => document.body.setAttribute("aria-busy", "true"), 300);
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
    dialog.addEventListener("close", () => { dialog.remove(); link.focus(); });
    dialog.addEventListener("click", (inside) => {
      if (inside.target.closest("[data-cancel]")) { inside.preventDefault(); dialog.close(); }
    });
    document.body.append(dialog);
    dialog.showModal();
  } catch {
    location.href = link.href;
  } finally {
    clearTimeout(waiting);
    document.body.removeAttribute("aria-busy");
  }
});

// Times in the reader's own zone, with the day beside them.
const language = document.documentElement.lang;
const moments = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.valueOf())) continue;
  time.title = moments.format(at);
  if (time.dataset.local !== undefined) time.textContent = time.title;
}
