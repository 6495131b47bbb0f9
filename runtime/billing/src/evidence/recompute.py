#!/usr/bin/env python3
"""Recomputes an invoice from its evidence pack alone: python3 recompute.py PACK.zip"""
import hashlib, json, sys, zipfile
from decimal import ROUND_HALF_UP, Decimal as D, getcontext

getcontext().prec = 60  # exact: nothing is rounded but in `rounded`
pack = zipfile.ZipFile(sys.argv[1])
read = lambda name: json.loads(pack.read(name + ".json"))
for name, digest in read("manifest")["files"].items():
    if hashlib.sha256(pack.read(name)).hexdigest() != digest: sys.exit(f"{name} is not as it was packed")

costs, under, derivation, document = map(read, ("costs", "terms", "derivation", "document"))
terms, rate, unit = under["terms"], D((under["exchange"] or {"rate": 1})["rate"]), D(1).scaleb(-under["decimals"])
rounded = lambda amount: amount.quantize(unit, ROUND_HALF_UP)  # half away from zero
share = lambda text: D(text.rstrip("%")) / 100
money = lambda text: D(text.split()[0])
stated = lambda text: money(text) * (1 if text.endswith(under["currency"]) else rate)  # US dollars are converted
total = lambda costs: sum(map(D, costs.values()), D(0))

elsewhere = terms.get("sharing", {}).get("records", {})  # record types that are borne otherwise than by their tags
days = sum(total(day["services"]) - sum(D(c) for k, c in day.get("records", {}).items() if k in elsewhere) for day in costs["days"])
if days - total(costs["changed_since"]) != total(costs["services"]): sys.exit("the days do not add up to the cost")
cost, steps = (total(costs["services"]) + D((costs["shared"] or {"amount": 0})["amount"])) * rate, []
so_far = lambda *rules: sum((amount for rule, amount in steps if not rules or rule in rules), D(0))
step = lambda rule, amount: steps.append((rule, rounded(amount)))  # each rule is rounded once

if "base_fee" in terms: step("base_fee", stated(terms["base_fee"]))
step("cost", cost)
if "markup" in terms: step("markup", share(terms["markup"]) * cost)
fee = terms.get("fee", {})
fee = next((tier for tier in fee.get("tiers", []) if "below" not in tier or rounded(cost) < stated(tier["below"])), fee)
step("fee", stated(fee.get("flat", "0 USD")) + share(fee.get("percent", "0%")) * cost)
step("allowance", -max(D(0), min(stated(terms.get("allowance", "0 USD")), so_far("cost", "markup"))))
step("discount", -share(terms.get("discount", "0%")) * so_far())
step("minimum", max(D(0), stated(terms.get("minimum", "0 USD")) - so_far()) if so_far() >= 0 else D(0))
fee = terms.get("payment_fee") or terms.get("card_fee") or {"mode": "absorb"}
if fee["mode"] != "absorb" and so_far() > 0: step("card_fee", share(fee["percent"]) * so_far() + stated(fee["fixed"]))
step("tax", share(terms.get("tax", "0%")) * so_far())
for position in document["drawn"]:  # what earlier months left
    step("credit" if position["kind"] == "credit" else "restated", money(position["amount"]))

told = [(step["rule"], money(step["amount"])) for step in derivation["steps"]]
if [s for s in steps if s[1]] != [s for s in told if s[1]]: sys.exit(f"the steps come to {steps}, not {told}")
if so_far() != money(document["total"]): sys.exit(f"it comes to {so_far()}, not {document['total']}")
print(document["tenant"], document["period"], document["total"])
