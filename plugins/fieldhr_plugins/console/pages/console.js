// What makes pages more comfortable where scripts run. Everything works without it.
const all = (selector, from = document) => [...from.querySelectorAll(selector)];

// Narrow a table while typing: the rows are there already.
for (const input of all("input[data-filter]")) {
  const rows = all("tbody tr", document.getElementById(input.dataset.filter));
  const said = document.getElementById(input.getAttribute("aria-describedby"));
  input.closest("form")?.addEventListener("submit", (event) => event.preventDefault());
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      row.hidden = wanted !== "" && !row.textContent.toLowerCase().includes(wanted);
      shown += !row.hidden;
    }
    if (said) said.textContent = `${shown} / ${rows.length}`;
  });
}

// Try other weights: totals are sums of points times share, the same sum the server makes when the form is sent.
for (const form of all("form[data-weights]")) {
  const cards = JSON.parse(form.dataset.weights);
  const number = new Intl.NumberFormat(document.documentElement.lang, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const weigh = () => {
    const weights = Object.fromEntries(all("input[type=range]", form).map((each) => [each.name, Number(each.value)]));
    for (const input of all("input[type=range]", form)) input.nextElementSibling.textContent = `${input.value}`;
    const totals = cards.map(([subject, parts]) => {
      const whole = parts.reduce((sum, [metric]) => sum + (weights["w." + metric] ?? 0), 0);
      const total = whole ? parts.reduce((sum, [metric, points]) => sum + points * (weights["w." + metric] ?? 0), 0) / whole : NaN;
      return [subject, total];
    });
    for (const [subject, total] of totals) {
      const cell = document.querySelector(`[data-total="${CSS.escape(subject)}"]`);
      if (cell) cell.textContent = Number.isNaN(total) ? "–" : number.format(total / 100);
    }
    const body = document.querySelector("table[data-ranked] tbody");
    if (body) {
      const by = new Map(totals);
      const value = (row) => by.get(row.dataset.subject) ?? -1;
      body.append(...all("tr", body).sort((a, b) => (value(b) || -1) - (value(a) || -1)));
    }
  };
  form.addEventListener("input", weigh);
}

// Forms of preferences take effect at once.
for (const select of all("select[data-at-once]")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}

// A reader far from the tenant may see times in their own zone; the server keeps the choice.
const offer = document.querySelector("[data-own-zone]");
if (offer) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && zone !== offer.dataset.ownZone) {
    offer.querySelector("input[name=zone]").value = zone;
    offer.querySelector("button").textContent += ` (${zone})`;
    offer.hidden = false;
  }
}

// A decision is sent once.
for (const form of all("form[method=post]")) {
  form.addEventListener("submit", () => setTimeout(() => all("button", form).forEach((each) => (each.disabled = true))));
}
