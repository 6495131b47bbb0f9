#!/usr/bin/env python3
"""Recomputes invoices from their evidence packs alone: python3 recompute.py PACK.zip (or the folder it is unpacked in)."""
import hashlib, json, pathlib, sys, zipfile
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal as D, getcontext

getcontext().prec = 60  # exact: nothing is rounded but in `step` and to choose a tier

def expect(holds, what):
    if not holds:
        sys.exit(f"does not hold: {what}")

for path in map(pathlib.Path, sys.argv[1:]):
    pack = zipfile.Path(path) if path.is_file() else path
    read = lambda name: json.loads((pack / f"{name}.json").read_bytes())
    for name, digest in read("manifest")["files"].items():
        expect(hashlib.sha256((pack / name).read_bytes()).hexdigest() == digest, f"the digest of {name}")
    costs, under, derivation, document = map(read, ("costs", "terms", "derivation", "document"))
    terms, rate, unit = under["terms"], D((under["exchange"] or {"rate": 1})["rate"]), D(1).scaleb(-under["decimals"])
    rounded = lambda amount: amount.quantize(unit, ROUND_HALF_UP)  # half away from zero
    money = lambda text: D(text.split()[0])
    stated = lambda text: money(text) * (1 if text.endswith(under["currency"]) else rate)
    share = lambda text: D(text.rstrip("%")) / 100
    exact = lambda services: Counter({name: D(cost) for name, cost in services.items()})

    # The days by service, less what is borne otherwise and what changed since, are what was priced; and the shared part.
    own, shared, days = exact(costs["services"]), costs["shared"] or {"amount": 0, "ways": []}, Counter()
    for day in costs["days"]:
        days.update(exact(day["services"]))
        days.subtract({k.capitalize(): D(c) for k, c in day.get("records", {}).items() if k in terms.get("sharing", {}).get("records", {})})
    days.subtract(exact(costs["changed_since"]))
    expect(days == own, "the days add up to the cost by service")
    parts = [(D(way["amount"]), D(way["pool"]) * D(way["weight"]) / D(way["weights"])) for way in shared["ways"]]
    expect(all(abs(part - of_pool) < D("0.0101") for part, of_pool in parts), "the part of shared cost, to the cent")
    expect(sum(part for part, _ in parts) == D(shared["amount"]), "the sum of the parts of shared cost")
    own["Shared cost"] += D(shared["amount"])
    cost, steps, sums = sum(own.values()) * rate, [], Counter()

    def step(rule, amount):  # each rule is rounded once
        sums[rule] += rounded(amount)
        steps.append((rule, rounded(amount), sums.total()))

    if "base_fee" in terms: step("base_fee", stated(terms["base_fee"]))
    step("cost", cost)
    if "markup" in terms: step("markup", share(terms["markup"]) * cost)
    fee = terms.get("fee", {})
    tier = next((t for t in fee.get("tiers", []) if "below" not in t or rounded(cost) < stated(t["below"])), fee)
    if fee: step("fee", stated(tier.get("flat", "0 USD")) + share(tier.get("percent", "0%")) * cost)
    if "allowance" in terms: step("allowance", -max(D(0), min(stated(terms["allowance"]), sums["cost"] + sums["markup"])))
    if "discount" in terms: step("discount", -share(terms["discount"]) * sums.total())
    least = stated(terms.get("minimum", "0 USD"))
    if 0 <= sums.total() < least: step("minimum", least - sums.total())
    fee = terms.get("payment_fee") or terms.get("card_fee") or {"mode": "absorb"}
    if fee.get("mode") != "absorb" and sums.total() > 0: step("card_fee", share(fee["percent"]) * sums.total() + stated(fee["fixed"]))
    if "tax" in terms: step("tax", share(terms["tax"]) * sums.total())
    for position in document["drawn"]:  # what earlier months left
        step("credit" if position["kind"] == "credit" else "restated", money(position["amount"]))

    told = [(s["rule"], money(s["amount"]), money(s["running"])) for s in derivation["steps"]]
    expect([s for s in steps if s[1]] == [s for s in told if s[1]], f"the steps {told}, which come to {steps}")
    lines = Counter()
    for line in document["lines"]:
        lines[line["rule"]] += money(line["amount"])
        is_service = line["rule"] == "cost" and line["description"] in own
        expect(not is_service or abs(money(line["amount"]) - own[line["description"]] * rate) < unit, line["description"])
    expect(lines == sums, "the sum of the lines of each rule")
    expect(sums.total() == money(document["total"]), f"the total {document['total']}, which comes to {sums.total()}")
    print(document["tenant"], document["period"], document["total"])
