//! `drift --ignore ADDRESS[.field][@until]`: drift that is known and left alone, for a while or for good. Pure.
//!
//! Names of resources and fields may hold dots, so what is meant is decided by what exists: an address of a resource
//! that exists is that resource, whole; otherwise the longest address before a dot whose field has drifted.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use engine::{Address, Drift, Drifted};
use jiff::civil::Date;

/// One `--ignore`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ignore {
    target: String,
    until: Option<Date>,
}

/// The text is no `--ignore`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnIgnore {
    /// What is to be ignored is no address.
    #[error("`{0}` is no address; write ADDRESS[.field][@until]: lambda_function.costs.memory_mb@2026-12-31")]
    Target(String),
    /// What stands behind the last `@` begins like a date and is none.
    #[error("`{0}` is no date; write the last day that it is ignored: 2026-12-31")]
    Until(String),
}

impl Ignore {
    /// The last day, in UTC, on which it hides anything; none when it has no end.
    pub fn until(&self) -> Option<Date> {
        self.until
    }

    fn is_expired(&self, today: Date) -> bool {
        self.until.is_some_and(|until| until < today)
    }
}

impl FromStr for Ignore {
    type Err = NotAnIgnore;

    fn from_str(text: &str) -> Result<Ignore, NotAnIgnore> {
        // A name may hold an `@` itself (a tag's key): only what begins like a date is one.
        let dated = text.rsplit_once('@').filter(|(_, until)| until.starts_with(|c: char| c.is_ascii_digit()));
        let (target, until) = match dated {
            Some((target, until)) => {
                let date = until.parse::<Date>().ok().filter(|date| date.to_string() == until);
                (target, Some(date.ok_or_else(|| NotAnIgnore::Until(until.to_owned()))?))
            }
            None => (text, None),
        };
        target.parse::<Address>().map_err(|_| NotAnIgnore::Target(target.to_owned()))?;
        Ok(Ignore { target: target.to_owned(), until })
    }
}

impl fmt::Display for Ignore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.target)?;
        self.until.map_or(Ok(()), |until| write!(f, "@{until}"))
    }
}

/// Drift that is ignored.
#[derive(Debug, Clone, PartialEq)]
pub struct Ignored {
    /// What was found, with the ignored fields only.
    pub found: Drifted,
    /// Why it is ignored.
    pub by: Ignore,
}

/// Drift, parted into what counts and what is ignored.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parted {
    /// The drift that counts.
    pub drift: Drift,
    /// The rest, in the order in which it was found.
    pub ignored: Vec<Ignored>,
    /// What was to be ignored up to a day that is over.
    pub expired: Vec<Ignore>,
    /// What hid nothing, because nothing of that name has drifted.
    pub idle: Vec<Ignore>,
}

/// Takes out of `drift` what is to be ignored today. `known` are the addresses of all that exists.
pub fn part(drift: Drift, ignores: &[Ignore], known: &BTreeSet<Address>, today: Date) -> Parted {
    let (expired, active): (Vec<&Ignore>, Vec<&Ignore>) = ignores.iter().partition(|ignore| ignore.is_expired(today));
    let readings = active.iter().map(|ignore| (*ignore, read(ignore, &drift.drifted, known)));
    let (hiding, idle): (Vec<_>, Vec<_>) = readings.partition(|(_, reading)| reading.is_some());
    let rules: Vec<Rule> =
        hiding.into_iter().filter_map(|(by, reading)| Some(Rule { by, reading: reading? })).collect();
    let mut ignored = Vec::new();
    let found = |one: Drifted| keep(one, &rules, &mut ignored);
    let drifted = drift.drifted.iter().cloned().filter_map(found).collect();
    Parted {
        drift: Drift { drifted, ..drift },
        ignored,
        expired: expired.into_iter().cloned().collect(),
        idle: idle.into_iter().map(|(ignore, _)| ignore.clone()).collect(),
    }
}

struct Rule<'a> {
    by: &'a Ignore,
    reading: Reading<'a>,
}

/// What an `--ignore` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reading<'a> {
    address: &'a Address,
    /// A field of it and what is below; all that is found of the resource without one.
    field: Option<&'a str>,
}

impl Reading<'_> {
    fn hides_all_of(&self, found: &Drifted) -> bool {
        found.address == *self.address && self.field.is_none()
    }

    fn hides(&self, found: &Drifted, path: &str) -> bool {
        let below = |field: &str| path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        found.address == *self.address && self.field.is_none_or(below)
    }
}

/// What the text means here; none when it hides nothing.
fn read<'a>(ignore: &'a Ignore, drifted: &'a [Drifted], known: &BTreeSet<Address>) -> Option<Reading<'a>> {
    let whole = ignore.target.parse::<Address>().ok().filter(|address| known.contains(address));
    let readings = drifted.iter().filter_map(|found| {
        let name = found.address.to_string();
        let rest = ignore.target.strip_prefix(&name)?;
        let reading = |field| Reading { address: &found.address, field };
        match rest.strip_prefix('.') {
            _ if rest.is_empty() => Some(reading(None)),
            Some(field) if whole.is_none() => {
                let reading = reading(Some(field));
                found.fields.iter().any(|change| reading.hides(found, &change.path)).then_some(reading)
            }
            _ => None,
        }
    });
    readings.max_by_key(|reading| reading.address.to_string().len())
}

/// What of it counts; what does not is taken down.
fn keep(found: Drifted, rules: &[Rule], ignored: &mut Vec<Ignored>) -> Option<Drifted> {
    if let Some(rule) = rules.iter().find(|rule| rule.reading.hides_all_of(&found)) {
        ignored.push(Ignored { found, by: rule.by.clone() });
        return None;
    }
    if found.fields.is_empty() {
        return Some(found);
    }
    let mut left = Drifted { fields: Vec::new(), ..found.clone() };
    let mut hidden: Vec<Ignored> = Vec::new();
    for change in &found.fields {
        match rules.iter().find(|rule| rule.reading.hides(&found, &change.path)) {
            None => left.fields.push(change.clone()),
            Some(rule) => match hidden.iter_mut().find(|ignored| ignored.by == *rule.by) {
                Some(ignored) => ignored.found.fields.push(change.clone()),
                None => {
                    let found = Drifted { fields: vec![change.clone()], ..found.clone() };
                    hidden.push(Ignored { found, by: rule.by.clone() });
                }
            },
        }
    }
    ignored.extend(hidden);
    (!left.fields.is_empty()).then_some(left)
}

#[cfg(test)]
mod tests;
