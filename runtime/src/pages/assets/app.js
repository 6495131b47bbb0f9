// The whole script of the pages: exchanges a link's token for a session, and follows Stripe's address. Without it
// every page reads, and signing out works.
(() => {
  "use strict";
  const post = (path, body) =>
    fetch(path, {
      method: "POST",
      credentials: "same-origin",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify(body),
    });
  const say = (place, text) => {
    place.textContent = text;
    place.hidden = false;
  };

  const signin = document.getElementById("signin");
  const exchange = () => {
    // The fragment never reaches a server; it is taken out of the address before anything else happens.
    const token = location.hash.slice(1);
    if (!token) return;
    history.replaceState(null, "", location.pathname);
    say(signin, signin.dataset.working);
    post("/session", { token })
      .then(async (answer) => {
        if (answer.ok) return location.replace("/");
        const error = await answer.json().catch(() => ({}));
        const code = error.error && error.error.code;
        say(signin, signin.dataset[code === "link_expired" || code === "link_revoked" ? "over" : "failed"]);
      })
      .catch(() => say(signin, signin.dataset.offline));
  };
  if (signin) {
    exchange();
    // A link that is pasted while this page is open loads nothing anew.
    addEventListener("hashchange", exchange);
  }

  for (const form of document.querySelectorAll("form[data-payment]")) {
    form.querySelector("button").disabled = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const button = form.querySelector("button");
      const place = document.getElementById("payment-problem");
      const body = Object.fromEntries(new FormData(form));
      button.disabled = true;
      post("/payment", body)
        .then(async (answer) => {
          const told = await answer.json();
          const url = told.url || told.invoiceUrl;
          if (answer.ok && url) return location.assign(url);
          if (answer.status === 401) return location.assign("/signin");
          throw new Error("refused");
        })
        .catch(() => {
          button.disabled = false;
          say(place, place.dataset.problem);
          place.focus();
        });
    });
  }
})();
