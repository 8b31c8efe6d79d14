"use strict";
// The form of a run: the choice of a project loads its spiders at once, a button adds a row, another one copies.

for (const form of document.querySelectorAll("form[data-auto]")) {
  form.querySelector("[data-needless]").hidden = true;
  form.addEventListener("change", () => form.requestSubmit());
}

for (const rows of document.querySelectorAll("[data-rows]")) {
  const add = rows.querySelector("[data-add]");
  add.hidden = false;
  add.addEventListener("click", () => {
    const row = rows.querySelector(".pair").cloneNode(true);
    for (const input of row.querySelectorAll("input")) {
      input.value = "";
      input.type = "text";
    }
    add.before(row);
    row.querySelector("input").focus();
  });
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = !navigator.clipboard;
  const text = button.closest("section").querySelector("pre");
  button.addEventListener("click", () => navigator.clipboard.writeText(text.textContent));
}
