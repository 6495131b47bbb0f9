"""Adds up a cost report with Python's own decimals: every group of service, account, day and line type, as billform's CSV."""

import csv
import decimal
import sys

decimal.getcontext().prec = 200
sums = {}
for path in sys.argv[1:]:
    with open(path, newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            day = row["lineItem/UsageStartDate"][:10]
            names = ("lineItem/ProductCode", "lineItem/UsageAccountId", "lineItem/LineItemType")
            service, account, kind = (row[name] for name in names)
            sum = sums.setdefault((service, account, day, kind), [decimal.Decimal(0), decimal.Decimal(0)])
            sum[0] += decimal.Decimal(row["lineItem/UnblendedCost"] or 0)
            sum[1] += decimal.Decimal(row["lineItem/UsageAmount"] or 0)


def text(number):
    digits = f"{number:f}"
    return "0" if number == 0 else digits.rstrip("0").rstrip(".") if "." in digits else digits


writer = csv.writer(sys.stdout, lineterminator="\n")
writer.writerow(["service", "account", "day", "line-type", "cost", "usage"])
for key in sorted(sums):
    writer.writerow([*key, *(text(amount) for amount in sums[key])])
