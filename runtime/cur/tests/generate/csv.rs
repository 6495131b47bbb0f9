//! Reports as CSV, with AWS's names.

use super::Shape;
use super::lines::{Line, Lines, text};

type Cell = fn(&Lines, &Line) -> String;

/// Legacy names, those of Parquet, cells.
const CUR: &[(&str, &str, Cell)] = &[
    ("identity/LineItemId", "identity_line_item_id", |_, line| line.id()),
    ("bill/InvoiceId", "bill_invoice_id", |_, line| line.invoice().unwrap_or_default().to_owned()),
    ("bill/BillingPeriodStartDate", "bill_billing_period_start_date", |_, _| "2026-01-01T00:00:00Z".to_owned()),
    ("lineItem/UsageAccountId", "line_item_usage_account_id", |_, line| line.account()),
    ("lineItem/LineItemType", "line_item_line_item_type", |_, line| line.kind().to_owned()),
    ("lineItem/UsageStartDate", "line_item_usage_start_date", |_, line| {
        format!("{}T{:02}:00:00Z", line.day(), line.hour() % 24)
    }),
    ("lineItem/ProductCode", "line_item_product_code", |_, line| line.service().to_owned()),
    ("lineItem/UsageAmount", "line_item_usage_amount", |_, line| text(line.usage, 6)),
    ("lineItem/CurrencyCode", "line_item_currency_code", |_, _| "USD".to_owned()),
    ("lineItem/UnblendedCost", "line_item_unblended_cost", |_, line| text(line.cost, 10)),
    ("lineItem/LineItemDescription", "line_item_line_item_description", |_, line| {
        format!("$0.{:03} per \"unit\", {} first", line.number % 1000, line.service())
    }),
    ("lineItem/NetUnblendedCost", "line_item_net_unblended_cost", |_, line| text(net(line.cost), 10)),
    ("savingsPlan/SavingsPlanEffectiveCost", "savings_plan_savings_plan_effective_cost", |_, line| {
        plan(line, line.effective)
    }),
    ("savingsPlan/NetSavingsPlanEffectiveCost", "savings_plan_net_savings_plan_effective_cost", |_, line| {
        plan(line, net(line.effective))
    }),
    ("savingsPlan/TotalCommitmentToDate", "savings_plan_total_commitment_to_date", |_, line| {
        plan(line, line.committed)
    }),
    ("savingsPlan/UsedCommitment", "savings_plan_used_commitment", |_, line| plan(line, line.used)),
    ("reservation/EffectiveCost", "reservation_effective_cost", |_, line| text(line.effective, 10)),
    ("reservation/NetEffectiveCost", "reservation_net_effective_cost", |_, line| text(net(line.effective), 10)),
    (
        "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod",
        "reservation_unused_amortized_upfront_fee_for_billing_period",
        |_, line| text(line.committed, 10),
    ),
    (
        "reservation/NetUnusedAmortizedUpfrontFeeForBillingPeriod",
        "reservation_net_unused_amortized_upfront_fee_for_billing_period",
        |_, line| text(net(line.committed), 10),
    ),
    ("reservation/UnusedRecurringFee", "reservation_unused_recurring_fee", |_, line| text(line.used, 10)),
    ("reservation/NetUnusedRecurringFee", "reservation_net_unused_recurring_fee", |_, line| text(net(line.used), 10)),
    ("reservation/ReservationARN", "reservation_reservation_a_r_n", |_, line| arn(line).to_owned()),
];

const TAGS: &[(&str, Cell)] = &[
    ("resourceTags/user:Tenant", |lines, line| lines.tenant(line).unwrap_or_default()),
    ("resourceTags/user:project", |_, line| line.project().unwrap_or_default().to_owned()),
    ("resourceTags/user:env", |_, line| line.env().unwrap_or_default().to_owned()),
];

const FOCUS: &[(&str, Cell)] = &[
    ("BilledCost", |_, line| text(line.cost, 10)),
    ("EffectiveCost", |_, line| text(line.effective, 10)),
    ("ConsumedQuantity", |_, line| text(line.usage, 6)),
    ("ServiceName", |_, line| line.service().to_owned()),
    ("SubAccountId", |_, line| line.account()),
    ("ChargePeriodStart", |_, line| format!("{}T{:02}:00:00Z", line.day(), line.hour() % 24)),
    ("BillingPeriodStart", |_, _| "2026-01-01T00:00:00Z".to_owned()),
    ("ChargeCategory", |_, line| line.category().to_owned()),
    ("BillingCurrency", |_, _| "USD".to_owned()),
    ("InvoiceId", |_, line| line.invoice().unwrap_or_default().to_owned()),
    ("Tags", |lines, line| map(lines, line, "user:Tenant", "")),
];

pub fn net(cost: i64) -> i64 {
    cost - cost / 10
}

fn plan(line: &Line, amount: i64) -> String {
    if line.kind().starts_with("SavingsPlan") { text(amount, 10) } else { String::new() }
}

pub fn arn(line: &Line) -> &'static str {
    if line.is_reservation { "arn:aws:ec2:eu-central-1:123456789012:reserved-instances/1" } else { "" }
}

/// Tags as JSON; keys with a prefix.
fn map(lines: &Lines, line: &Line, tenant: &str, prefix: &str) -> String {
    let tags = [
        (tenant.to_owned(), lines.tenant(line)),
        (format!("{prefix}project"), line.project().map(str::to_owned)),
        (format!("{prefix}env"), line.env().map(str::to_owned)),
    ];
    let entries: Vec<String> =
        tags.into_iter().filter_map(|(key, value)| Some(format!("\"{key}\":\"{}\"", value?))).collect();
    if entries.is_empty() { String::new() } else { format!("{{{}}}", entries.join(",")) }
}

fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

/// A report as CSV.
pub fn write(lines: &Lines, shape: Shape) -> Vec<u8> {
    let columns: Vec<(&str, Cell)> = match shape {
        Shape::Legacy => CUR.iter().map(|(name, _, cell)| (*name, *cell)).chain(TAGS.iter().copied()).collect(),
        Shape::Cur2 => {
            let tags: Cell = |lines, line| map(lines, line, "user_tenant", "user_");
            CUR.iter().map(|(_, name, cell)| (*name, *cell)).chain([("resource_tags", tags)]).collect()
        }
        Shape::Focus => FOCUS.to_vec(),
    };
    let mut out = columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(",");
    out.push('\n');
    for row in 0..lines.rows {
        let line = lines.line(row);
        let cells: Vec<String> = columns.iter().map(|(_, cell)| quoted(&cell(lines, &line))).collect();
        out.push_str(&cells.join(","));
        out.push('\n');
    }
    out.into_bytes()
}

/// The same in gzip, in two members as concatenated files have.
pub fn gzip(text: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let (one, two) = text.split_at(text.len() / 2);
    let packed = [one, two].map(|part| {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(part).expect("packed");
        out.finish().expect("packed")
    });
    packed.concat()
}

/// The same in a zip archive.
pub fn zip(text: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut out = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    out.start_file("report-00001.csv", zip::write::SimpleFileOptions::default()).expect("begun");
    out.write_all(text).expect("packed");
    out.finish().expect("packed").into_inner()
}
