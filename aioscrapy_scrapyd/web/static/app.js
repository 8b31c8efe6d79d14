"use strict";
// Without this file the pages work too: forms post, links filter.

for (const element of document.querySelectorAll("[data-stream-state]")) element.hidden = true;

// A form with data-question asks before it is sent.
document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.question ?? event.target.dataset.question;
  if (question && !confirm(question)) event.preventDefault();
});
