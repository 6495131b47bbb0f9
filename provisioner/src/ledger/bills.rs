//! Who is billed what for a month: one row for each tenant, the sums of each currency, and what no tenant is billed.

use std::collections::BTreeMap;

use billing::invoice::{Collection, Invoice, InvoiceState, Rule};
use billing::{Currency, Money, Month};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan as _};
use rust_decimal::Decimal;

use super::months::{MonthStanding, TenantMonths};
use super::unclaimed::Unclaimed;

/// A month's bills.
pub struct Bills {
    /// The month.
    pub month: Month,
    /// By id.
    pub rows: Vec<Bill>,
    /// Cost of no tenant; none where no sync asked AWS for the month yet.
    pub unclaimed: Option<Unclaimed>,
}

/// One tenant's bill: the invoice, or a preview of it until there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// The tenant's id.
    pub tenant: String,
    /// Whom invoices name.
    pub name: String,
    /// AWS's cost in US dollars, exact; none where the month cannot be priced yet.
    pub aws_usd: Option<Decimal>,
    /// The amounts of its lines, in its currency.
    pub parts: Option<Parts>,
    /// How far it got: `provisional`, `open`, `paid`, `waiting`.
    pub state: &'static str,
    /// Why it is not further, where something is missing.
    pub reason: Option<String>,
    /// Stripe's id.
    pub stripe_invoice: Option<String>,
    /// The day it is to be paid by; none before it is issued, and where Stripe charges by itself.
    pub due: Option<Date>,
}

/// An invoice's lines by what they are for; together they are the total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// The currency of all.
    pub currency: Currency,
    /// AWS cost.
    pub cost: Decimal,
    /// The share added to it.
    pub markup: Decimal,
    /// Base fee, service fee, the payment provider's, and what lifts the sum to the minimum.
    pub fees: Decimal,
    /// Allowance and discount: nothing, or below zero.
    pub discount: Decimal,
    /// Tax.
    pub tax: Decimal,
    /// What earlier months were restated by, and credit of theirs.
    pub earlier: Decimal,
    /// All of it.
    pub total: Decimal,
}

impl Parts {
    /// Nothing, in a currency.
    pub fn nothing(currency: Currency) -> Parts {
        let zero = Decimal::ZERO;
        let (cost, markup, fees, discount, tax, earlier, total) = (zero, zero, zero, zero, zero, zero, zero);
        Parts { currency, cost, markup, fees, discount, tax, earlier, total }
    }

    /// An invoice's.
    pub fn of(invoice: &Invoice) -> Parts {
        let mut parts = Parts::nothing(invoice.currency);
        for line in &invoice.lines {
            let part = match line.rule {
                Rule::Cost => &mut parts.cost,
                Rule::Markup => &mut parts.markup,
                Rule::BaseFee | Rule::Fee | Rule::Minimum | Rule::CardFee => &mut parts.fees,
                Rule::Allowance | Rule::Discount => &mut parts.discount,
                Rule::Tax => &mut parts.tax,
                Rule::Restated | Rule::Credit => &mut parts.earlier,
            };
            *part += line.amount.amount;
        }
        parts.total = invoice.total.amount;
        parts
    }

    fn add(&mut self, other: &Parts) {
        self.cost += other.cost;
        self.markup += other.markup;
        self.fees += other.fees;
        self.discount += other.discount;
        self.tax += other.tax;
        self.earlier += other.earlier;
        self.total += other.total;
    }

    /// The total with its currency.
    pub fn money(&self) -> Money {
        Money::new(self.total, self.currency)
    }
}

impl Bill {
    fn of(tenant: &TenantMonths, standing: &MonthStanding) -> Bill {
        let record = standing.record.as_ref();
        let composed = standing.assessment.composed.as_ref().ok().map(|composed| &composed.invoice);
        let invoice = record.map(|record| &record.invoice).or(composed);
        let issued = record.filter(|record| record.state == InvoiceState::Open);
        let sends = issued.filter(|record| record.collection == Collection::SendInvoice);
        let due = sends.and_then(|record| {
            let issued = record.since?.to_zoned(TimeZone::UTC).date();
            issued.checked_add(days(record.days_until_due)).ok()
        });
        Bill {
            tenant: tenant.tenant.id.clone(),
            name: tenant.tenant.name.clone(),
            aws_usd: invoice.map(|invoice| invoice.cost_usd),
            parts: invoice.map(Parts::of),
            state: standing.state(),
            reason: standing.reason(),
            stripe_invoice: record.and_then(|record| record.stripe_invoice.clone()),
            due,
        }
    }

    /// Whether the month has no AWS cost, which hints at a mistyped tag value.
    pub fn is_without_cost(&self) -> bool {
        self.aws_usd.is_some_and(|cost| cost.is_zero())
    }
}

fn days(count: u32) -> Span {
    i64::from(count).days()
}

impl Bills {
    /// What the tenants are billed for the one month that was loaded of each.
    pub fn new(month: Month, tenants: &[TenantMonths], unclaimed: Option<Unclaimed>) -> Bills {
        let of_month = |tenant: &TenantMonths| {
            let standing = tenant.months.iter().find(|standing| standing.month == month)?;
            tenant.tenant.bills(month).then(|| Bill::of(tenant, standing))
        };
        Bills { month, rows: tenants.iter().filter_map(of_month).collect(), unclaimed }
    }

    /// Counts and adds up the bills of each currency, ordered by code.
    pub fn sums(&self) -> Vec<(usize, Parts)> {
        let mut sums: BTreeMap<String, (usize, Parts)> = BTreeMap::new();
        for parts in self.rows.iter().filter_map(|bill| bill.parts.as_ref()) {
            let code = parts.currency.code().to_owned();
            let (count, sum) = sums.entry(code).or_insert_with(|| (0, Parts::nothing(parts.currency)));
            *count += 1;
            sum.add(parts);
        }
        sums.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use billing::invoice::Line;

    use super::*;

    #[test]
    fn the_parts_of_an_invoice_are_its_total() {
        let amounts = [
            (Rule::BaseFee, "20.00"),
            (Rule::Cost, "100.00"),
            (Rule::Cost, "25.50"),
            (Rule::Markup, "12.55"),
            (Rule::Fee, "2.00"),
            (Rule::Allowance, "-10.00"),
            (Rule::Discount, "-5.00"),
            (Rule::CardFee, "3.20"),
            (Rule::Tax, "27.00"),
            (Rule::Restated, "4.00"),
            (Rule::Credit, "-1.00"),
        ];
        let money = |text: &str| Money::new(text.parse().expect("an amount"), Currency::USD);
        let month: Month = "2026-10".parse().expect("a month");
        let mut invoice = Invoice::empty("acme", month, Currency::USD);
        let line = |(rule, text): &(Rule, &str)| Line { rule: *rule, description: String::new(), amount: money(text) };
        invoice.lines = amounts.iter().map(line).collect();
        invoice.total = Money::new(invoice.lines.iter().map(|line| line.amount.amount).sum(), Currency::USD);
        let parts = Parts::of(&invoice);
        let told = [parts.cost, parts.markup, parts.fees, parts.discount, parts.tax, parts.earlier];
        assert_eq!(told.map(|part| part.to_string()), ["125.50", "12.55", "25.20", "-15.00", "27.00", "3.00"]);
        assert_eq!((told.iter().sum::<Decimal>(), parts.money().to_string()), (parts.total, "178.25 USD".to_owned()));
    }
}
