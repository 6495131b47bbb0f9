//! What cost a tenant claims: all its tag pairs of a day together.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::TagSpan;
use super::tags::newest;
use crate::period::EARLIEST;

/// Tag pairs that cost carries together, by key.
pub type Pairs = BTreeMap<String, String>;

/// Cost that is a tenant's on some days: it carries the value of the tenant tag and every further pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagClaim {
    /// The value of the tenant tag, and the days on which the claim stands as it is.
    pub span: TagSpan,
    /// The pairs that the cost carries beside it; none where the value alone makes it the tenant's.
    pub further: Pairs,
    /// The tenant never had these values together: one tag of a resource was changed before the other. It counts after
    /// claims of tenants that have them.
    pub is_mixed: bool,
}

impl TagClaim {
    /// A tenant's claims, by the spans of the tenant tag and of further tags.
    pub fn all(values: &[TagSpan], further: &[(&str, Vec<TagSpan>)]) -> Vec<TagClaim> {
        let mut claims: Vec<TagClaim> = values.iter().flat_map(|value| TagClaim::by(value.clone(), further)).collect();
        let ends =
            |spans: &[TagSpan]| spans.iter().flat_map(|span| [span.from, span.until]).flatten().collect::<Vec<_>>();
        let turns: Vec<Date> = further.iter().flat_map(|(_, spans)| ends(spans)).chain(ends(values)).collect();
        let held = |spans: &[TagSpan], day| newest(spans, day).filter(|value| !value.is_empty()).map(str::to_owned);
        for claim in claims.iter_mut().filter(|_| !further.is_empty()) {
            let is_of = |day: Date| {
                held(values, day).as_ref() == Some(&claim.span.value)
                    && further.iter().all(|(key, spans)| held(spans, day).as_ref() == claim.further.get(*key))
            };
            let first = claim.span.from.unwrap_or(EARLIEST);
            let days = turns.iter().copied().filter(|day| claim.span.covers(*day)).chain([first]);
            claim.is_mixed = !days.into_iter().any(is_of);
        }
        claims
    }

    /// The claims by one value of the tenant tag and the spans of a tenant's further tags: one for each combination of
    /// values and days. On days without a value of a further tag that tag narrows nothing, nor does an empty value, which
    /// is how cost without the tag comes.
    pub fn by(value: TagSpan, further: &[(&str, Vec<TagSpan>)]) -> Vec<TagClaim> {
        if value.value.is_empty() {
            return Vec::new();
        }
        let mut claims = vec![TagClaim { span: value, further: Pairs::new(), is_mixed: false }];
        for (key, spans) in further {
            let spans: Vec<&TagSpan> = spans.iter().filter(|span| !span.value.is_empty()).collect();
            let gaps = gaps(&spans);
            claims = claims.iter().flat_map(|claim| claim.narrowed(key, &spans, &gaps)).collect();
        }
        claims
    }

    fn narrowed(&self, key: &str, spans: &[&TagSpan], gaps: &[TagSpan]) -> Vec<TagClaim> {
        let with = spans.iter().filter_map(|span| {
            let mut further = self.further.clone();
            further.insert(key.to_owned(), span.value.clone());
            Some(TagClaim { span: self.span.clone().within(span)?, further, is_mixed: false })
        });
        let without =
            gaps.iter().filter_map(|gap| Some(TagClaim { span: self.span.clone().within(gap)?, ..self.clone() }));
        with.chain(without).collect()
    }

    /// Whether cost of one day can be claimed by both: no tag that both name has two values.
    ///
    /// Different tags tell nothing apart: `{A: x}` and `{B: y}` are both on cost that carries both.
    pub fn meets(&self, other: &TagClaim) -> bool {
        self.span.value == other.span.value && self.span.overlaps(&other.span) && agree(&self.further, &other.further)
    }
}

/// Whether cost can carry both sets of pairs.
pub fn agree(one: &Pairs, other: &Pairs) -> bool {
    one.iter().all(|(key, value)| other.get(key).is_none_or(|of_other| of_other == value))
}

/// The days that no span covers, as spans without a value.
fn gaps(spans: &[&TagSpan]) -> Vec<TagSpan> {
    let mut spans = spans.to_vec();
    spans.sort_by_key(|span| span.from);
    let gap = |from, until| TagSpan { value: String::new(), from, until };
    let mut gaps = Vec::new();
    // The first day that is not yet known to be covered; none is the beginning of time.
    let mut open = None;
    for span in spans {
        if span.from > open {
            gaps.push(gap(open, span.from));
        }
        match span.until {
            Some(until) => open = open.max(Some(until)),
            None => return gaps,
        }
    }
    gaps.push(gap(open, None));
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn span(value: &str, from: Option<i8>, until: Option<i8>) -> TagSpan {
        let day = |day: Option<i8>| day.map(|day| date(2026, 10, day));
        TagSpan { value: value.to_owned(), from: day(from), until: day(until) }
    }

    fn told(claims: &[TagClaim]) -> Vec<String> {
        let day = |day: Option<jiff::civil::Date>| day.map_or_else(String::new, |day| day.day().to_string());
        let pairs =
            |claim: &TagClaim| claim.further.iter().map(|(key, value)| format!(" {key}={value}")).collect::<String>();
        let one = |claim: &TagClaim| {
            format!("{}{} {}..{}", claim.span.value, pairs(claim), day(claim.span.from), day(claim.span.until))
        };
        claims.iter().map(one).collect()
    }

    #[test]
    fn a_further_tag_narrows_the_claim_on_its_days() {
        let env = vec![span("prod", Some(5), Some(9)), span("live", Some(8), None)];
        let claims = TagClaim::by(TagSpan::always("Acme"), &[("Env", env)]);
        assert_eq!(told(&claims), ["Acme Env=prod 5..9", "Acme Env=live 8..", "Acme ..5"]);
        let of_value = TagClaim::by(span("Acme", Some(3), Some(6)), &[("Env", vec![span("prod", Some(5), None)])]);
        assert_eq!(told(&of_value), ["Acme Env=prod 5..6", "Acme 3..5"]);
        let two = [("Env", vec![TagSpan::always("prod")]), ("Team", vec![span("blue", None, Some(7))])];
        assert_eq!(
            told(&TagClaim::by(TagSpan::always("Acme"), &two)),
            ["Acme Env=prod Team=blue ..7", "Acme Env=prod 7.."]
        );
    }

    #[test]
    fn an_empty_value_claims_and_narrows_nothing() {
        assert_eq!(TagClaim::by(TagSpan::always(""), &[("Env", vec![TagSpan::always("prod")])]), []);
        let ends = vec![span("prod", None, Some(5)), span("", Some(5), None)];
        assert_eq!(told(&TagClaim::by(TagSpan::always("Acme"), &[("Env", ends)])), ["Acme Env=prod ..5", "Acme 5.."]);
    }

    /// Both tags change in the middle of the month, and the old values go on until its end.
    #[test]
    fn values_that_were_never_had_together_are_told() {
        let values = [span("Acme", None, Some(31)), span("Beta", Some(15), None)];
        let further = [("Env", vec![span("prod", None, Some(31)), span("live", Some(15), None)])];
        let claims = TagClaim::all(&values, &further);
        let mixed: Vec<TagClaim> = claims.iter().filter(|claim| claim.is_mixed).cloned().collect();
        assert_eq!(told(&mixed), ["Acme Env=live 15..31", "Beta Env=prod 15..31"]);
        assert_eq!(claims.len(), 4);
        assert!(TagClaim::all(&values, &[]).iter().all(|claim| !claim.is_mixed));
    }

    #[test]
    fn claims_meet_unless_a_tag_of_both_has_two_values() {
        let claim = |value: &str, from: Option<i8>, until: Option<i8>, further: &[(&str, &str)]| TagClaim {
            span: span(value, from, until),
            further: further.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            is_mixed: false,
        };
        let prod = claim("Acme", None, None, &[("Env", "prod")]);
        for (other, meets) in [
            (claim("Acme", None, None, &[("Env", "dev")]), false),
            (claim("Acme", None, None, &[("Env", "prod")]), true),
            (claim("Acme", None, None, &[]), true),
            (claim("Acme", None, None, &[("Team", "blue")]), true),
            (claim("Acme", None, None, &[("Env", "dev"), ("Team", "blue")]), false),
            (claim("Other", None, None, &[("Env", "prod")]), false),
        ] {
            assert_eq!(prod.meets(&other), meets, "{other:?}");
            assert_eq!(other.meets(&prod), meets, "{other:?}");
        }
        let early = claim("Acme", None, Some(5), &[]);
        assert!(!early.meets(&claim("Acme", Some(5), None, &[("Env", "prod")])));
        assert!(early.meets(&claim("Acme", Some(4), None, &[("Env", "prod")])));
    }
}
