//! Cost Explorer's filter expressions: one root each, over dimensions and tags.

use jiff::civil::Date;
use serde::Deserialize;

use super::fault::Fault;
use super::model::CostModel;
use super::row::CostRow;

/// An expression as requests spell it. Exactly one member must be set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Expression {
    or: Option<Vec<Expression>>,
    and: Option<Vec<Expression>>,
    not: Option<Box<Expression>>,
    dimensions: Option<Values>,
    tags: Option<Values>,
    cost_categories: Option<Values>,
}

/// The key, values and match options of one condition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Values {
    key: Option<String>,
    values: Option<Vec<String>>,
    match_options: Option<Vec<String>>,
}

/// What a row is looked at by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// The service's name.
    Service,
    /// The region, `NoRegion` where there is none.
    Region,
    /// The account that used the service.
    LinkedAccount,
    /// `Usage`, `Tax`, `Credit`, …
    RecordType,
}

impl Dimension {
    /// Reads a dimension's name; one that AWS has and the cost model has not says so.
    pub fn parse(name: &str) -> Result<Dimension, Fault> {
        match name {
            "SERVICE" => Ok(Dimension::Service),
            "REGION" => Ok(Dimension::Region),
            "LINKED_ACCOUNT" => Ok(Dimension::LinkedAccount),
            "RECORD_TYPE" => Ok(Dimension::RecordType),
            other => Err(Fault::validation(format!(
                "Dimension '{other}' is not known to the local cloud, which has SERVICE, REGION, LINKED_ACCOUNT and RECORD_TYPE"
            ))),
        }
    }

    /// The row's value.
    pub fn of<'a>(self, row: &'a CostRow, model: &'a CostModel) -> &'a str {
        match self {
            Dimension::Service => &row.service,
            Dimension::Region => row.region.as_deref().unwrap_or("NoRegion"),
            Dimension::LinkedAccount => model.account_of(row),
            Dimension::RecordType => &row.record_type,
        }
    }
}

/// A checked filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Everything.
    Any,
    /// All of them.
    And(Vec<Filter>),
    /// One of them.
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// The dimension has one of the values.
    Dimension(Dimension, Vec<String>),
    /// The tag has one of the values; the empty value is that of untagged cost.
    Tag(String, Vec<String>),
    /// The tag is absent; without a key, no active tag is there at all.
    TagAbsent(Option<String>),
}

impl Filter {
    /// Checks an expression; none is no filter.
    pub fn parse(expression: Option<&Expression>) -> Result<Filter, Fault> {
        expression.map_or(Ok(Filter::Any), Filter::root)
    }

    /// Whether the row passes.
    pub fn matches(&self, row: &CostRow, model: &CostModel) -> bool {
        match self {
            Filter::Any => true,
            Filter::And(parts) => parts.iter().all(|part| part.matches(row, model)),
            Filter::Or(parts) => parts.iter().any(|part| part.matches(row, model)),
            Filter::Not(part) => !part.matches(row, model),
            Filter::Dimension(dimension, values) => values.iter().any(|value| value == dimension.of(row, model)),
            Filter::Tag(key, values) => values.iter().any(|value| value == model.tag(row, key).unwrap_or_default()),
            Filter::TagAbsent(Some(key)) => model.tag(row, key).is_none(),
            Filter::TagAbsent(None) => model.active_tags.iter().all(|key| model.tag(row, key).is_none()),
        }
    }

    fn root(expression: &Expression) -> Result<Filter, Fault> {
        let Expression { or, and, not, dimensions, tags, cost_categories } = expression;
        if cost_categories.is_some() {
            return Err(Fault::validation("CostCategories: the local cloud has no cost categories"));
        }
        match (or, and, not, dimensions, tags) {
            (Some(parts), None, None, None, None) => Ok(Filter::Or(operands("Or", parts)?)),
            (None, Some(parts), None, None, None) => Ok(Filter::And(operands("And", parts)?)),
            (None, None, Some(part), None, None) => Ok(Filter::Not(Box::new(Filter::root(part)?))),
            (None, None, None, Some(values), None) => dimension(values),
            (None, None, None, None, Some(values)) => tag(values),
            _ => Err(Fault::validation(
                "A filter expression must have exactly one root: Or, And, Not, Dimensions or Tags",
            )),
        }
    }
}

fn operands(name: &str, parts: &[Expression]) -> Result<Vec<Filter>, Fault> {
    if parts.len() < 2 {
        return Err(Fault::validation(format!("'{name}' needs at least two expressions, it has {}", parts.len())));
    }
    parts.iter().map(Filter::root).collect()
}

fn dimension(values: &Values) -> Result<Filter, Fault> {
    let key = values.key.as_deref().ok_or_else(|| Fault::validation("Dimensions.Key is required"))?;
    if absent(values)? {
        return Err(Fault::validation("MatchOptions ABSENT is for tags, not for dimensions"));
    }
    Ok(Filter::Dimension(Dimension::parse(key)?, listed("Dimensions", values)?))
}

fn tag(values: &Values) -> Result<Filter, Fault> {
    if absent(values)? {
        if values.values.as_ref().is_some_and(|values| !values.is_empty()) {
            return Err(Fault::validation("Tags.Values must be left out with MatchOptions ABSENT"));
        }
        return Ok(Filter::TagAbsent(values.key.clone()));
    }
    let key = values.key.clone().ok_or_else(|| Fault::validation("Tags.Key is required"))?;
    Ok(Filter::Tag(key, listed("Tags", values)?))
}

fn listed(name: &str, values: &Values) -> Result<Vec<String>, Fault> {
    match values.values.as_deref() {
        Some(values) if !values.is_empty() => Ok(values.to_vec()),
        _ => Err(Fault::validation(format!("{name}.Values needs at least one value"))),
    }
}

/// Whether ABSENT is asked for. Only the options that cost queries take are let through.
fn absent(values: &Values) -> Result<bool, Fault> {
    let options = values.match_options.as_deref().unwrap_or_default();
    if let Some(other) =
        options.iter().find(|option| !["EQUALS", "CASE_SENSITIVE", "ABSENT"].contains(&option.as_str()))
    {
        return Err(Fault::validation(format!(
            "MatchOptions '{other}' is not supported here; use EQUALS, CASE_SENSITIVE or ABSENT"
        )));
    }
    let absent = options.iter().any(|option| option == "ABSENT");
    if absent && options.len() > 1 {
        return Err(Fault::validation("MatchOptions ABSENT stands alone"));
    }
    Ok(absent)
}

/// The rows of a period that pass a filter.
pub fn select<'a>(
    model: &'a CostModel,
    filter: &'a Filter,
    within: impl Fn(Date) -> bool + 'a,
) -> impl Iterator<Item = &'a CostRow> + 'a {
    model.rows.iter().filter(move |row| within(row.date) && filter.matches(row, model))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn model() -> CostModel {
        serde_json::from_value(json!({"active_tags": ["Org", "Project"], "rows": [
            {"date": "2026-10-01", "service": "S3", "region": "us-east-1", "amount": "1", "tags": {"Org": "A", "Project": "p$1"}},
            {"date": "2026-10-01", "service": "Lambda", "amount": "2", "tags": {"Org": "B"}},
            {"date": "2026-10-01", "service": "Tax", "record_type": "Tax", "amount": "3", "account": "999999999999"},
            {"date": "2026-10-01", "service": "S3", "amount": "4", "tags": {"Inactive": "x"}}]}))
        .unwrap()
    }

    fn parse(text: Value) -> Result<Filter, Fault> {
        Filter::parse(Some(&serde_json::from_value(text).unwrap()))
    }

    fn amounts(text: Value) -> Vec<String> {
        let (model, filter) = (model(), parse(text).unwrap());
        select(&model, &filter, |_| true).map(|row| row.amount.to_string()).collect()
    }

    #[test]
    fn conditions_combine() {
        let s3 = json!({"Dimensions": {"Key": "SERVICE", "Values": ["S3"], "MatchOptions": ["EQUALS"]}});
        let org_a = json!({"Tags": {"Key": "Org", "Values": ["A"]}});
        assert_eq!(amounts(s3.clone()), ["1", "4"]);
        assert_eq!(amounts(json!({"And": [s3.clone(), org_a.clone()]})), ["1"]);
        assert_eq!(amounts(json!({"Or": [s3.clone(), org_a.clone()]})), ["1", "4"]);
        assert_eq!(amounts(json!({"Not": s3})), ["2", "3"]);
        assert_eq!(amounts(json!({"Not": org_a})), ["2", "3", "4"]);
        assert_eq!(amounts(json!({"Tags": {"Key": "Project", "Values": ["p$1"]}})), ["1"]);
    }

    #[test]
    fn untagged_cost_is_found_by_absence_or_by_the_empty_value() {
        let absent = json!({"Tags": {"Key": "Org", "MatchOptions": ["ABSENT"]}});
        assert_eq!(amounts(absent), ["3", "4"]);
        assert_eq!(amounts(json!({"Tags": {"Key": "Org", "Values": [""]}})), ["3", "4"]);
        assert_eq!(amounts(json!({"Tags": {"MatchOptions": ["ABSENT"]}})), ["3", "4"]);
        // A key that is not active looks absent everywhere.
        assert_eq!(amounts(json!({"Tags": {"Key": "Inactive", "Values": ["x"]}})), [""; 0]);
    }

    #[test]
    fn dimensions_have_values_where_rows_leave_them_out() {
        assert_eq!(amounts(json!({"Dimensions": {"Key": "REGION", "Values": ["NoRegion"]}})), ["2", "3", "4"]);
        assert_eq!(
            amounts(json!({"Dimensions": {"Key": "LINKED_ACCOUNT", "Values": ["123456789012"]}})),
            ["1", "2", "4"]
        );
        assert_eq!(amounts(json!({"Dimensions": {"Key": "RECORD_TYPE", "Values": ["Tax", "Credit"]}})), ["3"]);
    }

    #[test]
    fn malformed_expressions_are_refused() {
        let leaf = json!({"Tags": {"Key": "Org", "Values": ["A"]}});
        let dimension = json!({"Key": "SERVICE", "Values": ["S3"]});
        for text in [
            json!({}),
            json!({"And": [leaf]}),
            json!({"Or": []}),
            json!({"Tags": {"Key": "Org", "Values": ["A"]}, "Dimensions": dimension}),
            json!({"Tags": {"Key": "Org"}}),
            json!({"Tags": {"Values": ["A"]}}),
            json!({"Tags": {"Key": "Org", "Values": ["A"], "MatchOptions": ["ABSENT"]}}),
            json!({"Tags": {"Key": "Org", "Values": ["A"], "MatchOptions": ["CONTAINS"]}}),
            json!({"Dimensions": {"Key": "SERVICE", "MatchOptions": ["ABSENT"]}}),
            json!({"Dimensions": {"Key": "COLOUR", "Values": ["red"]}}),
            json!({"CostCategories": {"Key": "c", "Values": ["v"]}}),
            json!({"Not": {}}),
        ] {
            assert_eq!(parse(text.clone()).unwrap_err().code(), "ValidationException", "{text}");
        }
    }
}
