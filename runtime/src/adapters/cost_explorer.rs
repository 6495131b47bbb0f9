//! Cost Explorer: one grouped, paged query for all tenants, and filtered ones where tenants have more tags than one;
//! translated without losing a digit.

use async_trait::async_trait;
use aws_sdk_costexplorer::Client;
use aws_sdk_costexplorer::types::{
    DateInterval, Dimension, DimensionValues, Expression, Granularity, Group, GroupDefinition, GroupDefinitionType,
    MatchOption, MetricValue, ResultByTime, TagValues,
};
use billing::Period;
use billing::attribution::{Cut, QueriedDay, QueriedRow};
use billing::ledger::CostAmount;
use billing::period::parse_date;
use billing::tenant::Pairs;
use rust_decimal::Decimal;

use super::aws::failed;
use crate::ports::{CostPage, CostQuery, CostSource, Part, PortError};

const DOING: &str = "ask Cost Explorer";
const USAGE: &str = "UsageQuantity";
const SERVICE: &str = "SERVICE";
/// Values of the tenant tag that a filter names at most. AWS states no limit; beyond so many the whole answer is asked for,
/// of which the wanted values are a good part anyway.
const MOST_VALUES: usize = 100;

/// Cost Explorer.
#[derive(Debug, Clone)]
pub struct CostExplorer {
    client: Client,
    query: CostQuery,
}

impl CostExplorer {
    /// Over a client.
    pub fn new(client: Client, query: CostQuery) -> CostExplorer {
        CostExplorer { client, query }
    }
}

#[async_trait]
impl CostSource for CostExplorer {
    async fn page(
        &self,
        period: &Period,
        part: Part,
        cut: Option<&Cut>,
        token: Option<&str>,
    ) -> Result<CostPage, PortError> {
        let answer = self
            .client
            .get_cost_and_usage()
            .time_period(interval(period)?)
            .granularity(Granularity::Daily)
            .metrics(&self.query.basis)
            .metrics(USAGE)
            .set_group_by(Some(self.query.group_by(part)?))
            .set_filter(self.query.filter(part, cut))
            .set_next_page_token(token.map(str::to_owned))
            .send()
            .await
            .map_err(|error| failed(DOING, &error))?;
        if token.is_some() && answer.next_page_token.as_deref() == token {
            return Err(PortError::new(DOING, "it gave the same page again"));
        }
        let days: Result<Vec<QueriedDay>, PortError> =
            answer.results_by_time().iter().map(|result| self.query.day(result, part)).collect();
        Ok(CostPage { days: days?, next: answer.next_page_token })
    }
}

impl CostQuery {
    fn group_by(&self, part: Part) -> Result<Vec<GroupDefinition>, PortError> {
        let group = |kind, key: &str| GroupDefinition::builder().r#type(kind).key(key).build();
        let second = match part {
            Part::Service => group(GroupDefinitionType::Dimension, SERVICE),
            Part::Record => group(GroupDefinitionType::Dimension, Dimension::RecordType.as_str()),
            Part::Project => {
                let tag = self.project_tag.as_deref();
                group(GroupDefinitionType::Tag, tag.ok_or_else(|| PortError::new(DOING, "no project tag is set"))?)
            }
        };
        Ok(vec![group(GroupDefinitionType::Tag, &self.tenant_tag), second])
    }

    /// The scope, the record types (those that are told apart, or all others), and the cut.
    fn filter(&self, part: Part, cut: Option<&Cut>) -> Option<Expression> {
        let scope = self.scope.as_ref().map(|(key, value)| tagged(key, [value]));
        let cut = cut.into_iter().flat_map(|cut| self.cut(cut));
        all_of(scope.into_iter().chain(self.record_types(part)).chain(cut).collect())
    }

    /// What cost of a cut carries, and what it does not.
    fn cut(&self, cut: &Cut) -> Vec<Expression> {
        let pairs = |pairs: &Pairs| pairs.iter().map(|(key, value)| tagged(key, [value])).collect::<Vec<_>>();
        let values = (cut.values.len() <= MOST_VALUES).then(|| tagged(&self.tenant_tag, &cut.values));
        let except = cut.except.iter().filter_map(|of| all_of(pairs(of)));
        let except = except.map(|of| Expression::builder().not(of).build());
        values.into_iter().chain(pairs(&cut.further)).chain(except).collect()
    }

    fn record_types(&self, part: Part) -> Option<Expression> {
        let values: Vec<String> =
            self.records.iter().flat_map(|kind| kind.values()).map(|value| (*value).to_owned()).collect();
        let told = DimensionValues::builder()
            .key(Dimension::RecordType)
            .set_values(Some(values))
            .match_options(MatchOption::Equals)
            .build();
        let told = Expression::builder().dimensions(told).build();
        match part {
            _ if self.records.is_empty() => None,
            Part::Record => Some(told),
            Part::Service | Part::Project => Some(Expression::builder().not(told).build()),
        }
    }

    fn day(&self, result: &ResultByTime, part: Part) -> Result<QueriedDay, PortError> {
        let start = result.time_period().map(DateInterval::start).unwrap_or_default();
        let date = parse_date(start).map_err(|error| PortError::new(DOING, error))?;
        let rows: Result<Vec<QueriedRow>, PortError> =
            result.groups().iter().map(|group| self.row(group, part)).collect();
        Ok(QueriedDay { date, estimated: result.estimated(), rows: rows? })
    }

    fn row(&self, group: &Group, part: Part) -> Result<QueriedRow, PortError> {
        let [tenant, second] = group.keys() else {
            return Err(PortError::new(DOING, format!("a group has {} keys, not 2", group.keys().len())));
        };
        let part = match (part, &self.project_tag) {
            (Part::Project, Some(tag)) => tag_value(second, tag)?,
            _ => second.clone(),
        };
        let cost = self.metric(group, &self.basis)?;
        match cost.unit() {
            Some("USD") | None => {}
            Some(other) => return Err(PortError::new(DOING, format!("costs are in {other}, not in USD"))),
        }
        let usage = self.metric(group, USAGE)?;
        let amount = CostAmount { cost: decimal(cost)?, usage: decimal(usage)? };
        Ok(QueriedRow { tenant_value: tag_value(tenant, &self.tenant_tag)?, part, amount })
    }

    fn metric<'a>(&self, group: &'a Group, name: &str) -> Result<&'a MetricValue, PortError> {
        let metric = group.metrics().and_then(|metrics| metrics.get(name));
        metric.ok_or_else(|| PortError::new(DOING, format!("a group lacks the metric {name}")))
    }
}

/// Cost with a tag of one of these values.
fn tagged<'a>(key: &str, values: impl IntoIterator<Item = &'a String>) -> Expression {
    let values = values.into_iter().cloned().collect();
    let tag = TagValues::builder().key(key).set_values(Some(values)).match_options(MatchOption::Equals).build();
    Expression::builder().tags(tag).build()
}

/// All of them. A filter has one root, and `And` at least two parts.
fn all_of(parts: Vec<Expression>) -> Option<Expression> {
    match parts.len() {
        0 | 1 => parts.into_iter().next(),
        _ => Some(Expression::builder().set_and(Some(parts)).build()),
    }
}

fn interval(period: &Period) -> Result<DateInterval, PortError> {
    // Cost Explorer's end is exclusive, as ours is.
    let interval = DateInterval::builder().start(period.start().to_string()).end(period.end().to_string());
    interval.build().map_err(|error| PortError::new(DOING, error))
}

/// `TagKey$value` without the key. Values may hold a `$` themselves; untagged cost comes as `TagKey$`.
fn tag_value(key: &str, tag: &str) -> Result<String, PortError> {
    let value = key.strip_prefix(tag).and_then(|rest| rest.strip_prefix('$'));
    value.map(str::to_owned).ok_or_else(|| PortError::new(DOING, format!("the group `{key}` is not of the tag {tag}")))
}

/// Tiny amounts come in scientific notation.
fn decimal(metric: &MetricValue) -> Result<Decimal, PortError> {
    let text = metric.amount().unwrap_or_default();
    Decimal::from_str_exact(text)
        .or_else(|_| Decimal::from_scientific(text))
        .map_err(|_| PortError::new(DOING, format!("`{text}` is no amount")))
}

#[cfg(test)]
mod tests {
    use billing::sharing::RecordType;

    use super::*;

    fn query() -> CostQuery {
        CostQuery {
            tenant_tag: "ClientOrganization".to_owned(),
            project_tag: Some("BillingProject".to_owned()),
            basis: "UnblendedCost".to_owned(),
            scope: Some(("application".to_owned(), "tax-demo".to_owned())),
            records: Vec::new(),
        }
    }

    fn metric(amount: &str, unit: &str) -> MetricValue {
        MetricValue::builder().amount(amount).unit(unit).build()
    }

    fn result(keys: [&str; 2], cost: MetricValue) -> ResultByTime {
        let group = Group::builder()
            .keys(keys[0])
            .keys(keys[1])
            .metrics("UnblendedCost", cost)
            .metrics(USAGE, metric("3", "N/A"))
            .build();
        let day = DateInterval::builder().start("2026-10-05").end("2026-10-06").build().expect("a day");
        ResultByTime::builder().time_period(day).groups(group).estimated(true).build()
    }

    #[test]
    fn a_group_is_read_to_the_last_digit() {
        let result = result(["ClientOrganization$A$B", "AWS Lambda"], metric("0.1234567891", "USD"));
        let day = query().day(&result, Part::Service).expect("a day");
        assert!(day.estimated);
        let row = &day.rows[0];
        assert_eq!((row.tenant_value.as_str(), row.part.as_str()), ("A$B", "AWS Lambda"));
        assert_eq!(row.amount.cost.to_string(), "0.1234567891");
        assert_eq!(row.amount.usage, Decimal::from(3));
    }

    #[test]
    fn untagged_cost_has_empty_values() {
        let result = result(["ClientOrganization$", "BillingProject$"], metric("1.5E-7", "USD"));
        let day = query().day(&result, Part::Project).expect("a day");
        assert_eq!((day.rows[0].tenant_value.as_str(), day.rows[0].part.as_str()), ("", ""));
        assert_eq!(day.rows[0].amount.cost, Decimal::new(15, 8));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (keys, cost) in [
            (["Other$A", "AWS Lambda"], metric("1", "USD")),
            (["ClientOrganization$A", "AWS Lambda"], metric("1", "CNY")),
            (["ClientOrganization$A", "AWS Lambda"], metric("one", "USD")),
        ] {
            assert!(query().day(&result(keys, cost), Part::Service).is_err(), "{keys:?}");
        }
    }

    #[test]
    fn the_query_groups_by_two_keys_and_filters_by_scope() {
        let groups = query().group_by(Part::Project).expect("groups");
        let keys: Vec<_> = groups.iter().filter_map(|group| group.key()).collect();
        assert_eq!(keys, ["ClientOrganization", "BillingProject"]);
        let filter = query().filter(Part::Service, None).expect("a filter");
        assert_eq!(filter.tags().map(|tags| tags.values().to_vec()), Some(vec!["tax-demo".to_owned()]));
        assert!(CostQuery { scope: None, ..query() }.filter(Part::Service, None).is_none());
    }

    /// Together the answers are all cost: one query has what the others leave out.
    #[test]
    fn record_types_that_are_told_apart_are_asked_for_once() {
        let told = CostQuery { records: vec![RecordType::Credit, RecordType::Fee], ..query() };
        let values = |expression: &Expression| expression.dimensions().map(|of| of.values().to_vec());
        let expected = Some(
            ["Credit", "Recurring", "Upfront", "RIFee", "Fee", "SavingsPlanRecurringFee", "SavingsPlanUpfrontFee"]
                .map(str::to_owned)
                .to_vec(),
        );
        let records = told.filter(Part::Record, None).expect("a filter");
        let [scope, kinds] = records.and() else { panic!("scope and kinds") };
        assert!(scope.tags().is_some());
        assert_eq!(values(kinds), expected);
        for part in [Part::Service, Part::Project] {
            let others = CostQuery { scope: None, ..told.clone() }.filter(part, None).expect("a filter");
            assert_eq!(others.not().and_then(values), expected, "{part:?}");
        }
        let groups = told.group_by(Part::Record).expect("groups");
        let keys: Vec<_> = groups.iter().filter_map(|group| group.key()).collect();
        assert_eq!(keys, ["ClientOrganization", "RECORD_TYPE"]);
    }

    /// `((Org = A or B) and Env = prod) but not (Team = blue and Tier = 1)`, beside the scope.
    #[test]
    fn a_cut_is_filtered_by_its_pairs() {
        let pairs =
            |of: &[(&str, &str)]| of.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let cut = Cut {
            period: Period::new(jiff::civil::date(2026, 10, 1), jiff::civil::date(2026, 10, 9)).expect("a period"),
            values: ["A", "B"].map(str::to_owned).into(),
            further: pairs(&[("Env", "prod")]),
            except: [pairs(&[("Team", "blue"), ("Tier", "1")]), pairs(&[("Team", "red")])].into(),
        };
        let told = |of: &Expression| {
            let tag = of.tags().expect("a tag");
            format!("{}={}", tag.key().unwrap_or_default(), tag.values().join("|"))
        };
        let filter = query().filter(Part::Service, Some(&cut)).expect("a filter");
        let [scope, values, further, both, red] = filter.and() else { panic!("five parts: {filter:?}") };
        assert_eq!([scope, values, further].map(told), ["application=tax-demo", "ClientOrganization=A|B", "Env=prod"]);
        let both: Vec<_> = both.not().map(|not| not.and().iter().map(told).collect()).unwrap_or_default();
        assert_eq!(both, ["Team=blue", "Tier=1"]);
        assert_eq!(red.not().map(told).as_deref(), Some("Team=red"));
        let many = Cut { values: (0..=MOST_VALUES).map(|n| n.to_string()).collect(), ..cut };
        let filter = query().filter(Part::Service, Some(&many)).expect("a filter");
        assert_eq!(filter.and().len(), 4, "so many values are not named");
    }

    proptest::proptest! {
        #[test]
        fn any_tag_value_is_read_back(tag in "[A-Za-z$:]{1,12}", value in ".{0,20}") {
            proptest::prop_assert_eq!(tag_value(&format!("{tag}${value}"), &tag), Ok(value));
        }

        #[test]
        fn any_amount_is_read_exactly(units in proptest::prelude::any::<i64>(), scale in 0_u32..12) {
            let amount = Decimal::new(units, scale);
            proptest::prop_assert_eq!(decimal(&metric(&amount.to_string(), "USD")), Ok(amount));
        }
    }
}
