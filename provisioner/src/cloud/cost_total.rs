//! AWS's own total of a month, which tenants and unallocated cost are held against: one ungrouped query.

use aws_sdk_costexplorer::Client;
use aws_sdk_costexplorer::error::DisplayErrorContext;
use aws_sdk_costexplorer::types::{DateInterval, Expression, Granularity, MatchOption, TagValues};
use billing::Month;
use billing::manifest::model::Manifest;
use rust_decimal::Decimal;

use crate::ui::failure::Failure;

/// The month's cost in US dollars in the manifest's basis and scope, as exact as Cost Explorer states it. Asking costs
/// 0.01 USD.
///
/// # Errors
/// When Cost Explorer cannot be asked, or answers without an amount.
pub async fn of_month(client: &Client, manifest: &Manifest, month: Month) -> Result<Decimal, Failure> {
    let (period, basis) = (month.period(), manifest.costs.basis.metric());
    let interval = DateInterval::builder().start(period.start().to_string()).end(period.end().to_string()).build()?;
    let scope = manifest.attribution.scope.as_ref().map(|scope| {
        let tag = TagValues::builder().key(&scope.tag).values(&scope.value).match_options(MatchOption::Equals);
        Expression::builder().tags(tag.build()).build()
    });
    let asked = client
        .get_cost_and_usage()
        .time_period(interval)
        .granularity(Granularity::Monthly)
        .metrics(basis)
        .set_filter(scope)
        .send()
        .await;
    let answer = asked.map_err(|error| {
        Failure::new(format!("Cost Explorer cannot be asked for {month}: {}", DisplayErrorContext(&error)))
            .hint("`billform permissions --for close` prints the policy for it")
    })?;
    let mut total = Decimal::ZERO;
    for result in answer.results_by_time() {
        let text = result.total().and_then(|total| total.get(basis)?.amount()).unwrap_or_default();
        let amount = Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text));
        total +=
            amount.map_err(|_| Failure::new(format!("Cost Explorer's total of {month}, `{text}`, is not a number")))?;
    }
    Ok(total)
}
