// Starts the script of a page. If it cannot run, the page says so.

const waiting = document.querySelector("#loading");
try {
  await import(document.body.dataset.script);
  document.documentElement.dataset.ready = "";
} catch (error) {
  waiting.className = "failed";
  waiting.append(` It failed: ${error?.message ?? error}`);
  console.error(error);
}
