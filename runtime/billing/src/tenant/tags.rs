//! Values of a tag by day.

use std::fmt;

use jiff::civil::Date;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The values that a tenant has of a tag, oldest first. Stored as text where it is one value that always holds, else as
/// a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagValues(Vec<TagSpan>);

/// A value and the days it is the tenant's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagSpan {
    /// The tag's value.
    pub value: String,
    /// The first day; none from the beginning on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// The day after the last one; none without an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

impl TagSpan {
    /// A value that holds on every day.
    pub fn always(value: &str) -> TagSpan {
        TagSpan { value: value.to_owned(), from: None, until: None }
    }

    /// Whether it holds on a day.
    pub fn covers(&self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day < until)
    }

    /// Its days before `end`; none when there are no such days. Without an end it stays as it is.
    pub fn before(self, end: Option<Date>) -> Option<TagSpan> {
        let until = match (self.until, end) {
            (Some(until), Some(end)) => Some(until.min(end)),
            (until, end) => until.or(end),
        };
        TagSpan { until, ..self }.with_days()
    }

    /// Its days from `start` on.
    pub(super) fn since(self, start: Date) -> Option<TagSpan> {
        let from = Some(self.from.map_or(start, |from| from.max(start)));
        TagSpan { from, ..self }.with_days()
    }

    /// Its days that are days of another span, too.
    pub(super) fn within(self, other: &TagSpan) -> Option<TagSpan> {
        let begun = match other.from {
            Some(from) => self.since(from)?,
            None => self,
        };
        begun.before(other.until)
    }

    /// Whether some day lies in both.
    pub fn overlaps(&self, other: &TagSpan) -> bool {
        let starts_before = |from: Option<Date>, until: Option<Date>| match (from, until) {
            (Some(from), Some(until)) => from < until,
            _ => true,
        };
        starts_before(self.from, other.until) && starts_before(other.from, self.until)
    }

    fn with_days(self) -> Option<TagSpan> {
        let has_days = match (self.from, self.until) {
            (Some(from), Some(until)) => from < until,
            _ => true,
        };
        has_days.then_some(self)
    }
}

impl TagValues {
    /// These spans, put in order, with those of one value that touch joined.
    pub fn new(spans: impl IntoIterator<Item = TagSpan>) -> TagValues {
        let mut spans: Vec<TagSpan> = spans.into_iter().collect();
        spans.sort_by(|a, b| {
            (&a.value, a.from, a.until.is_none(), a.until).cmp(&(&b.value, b.from, b.until.is_none(), b.until))
        });
        let mut joined: Vec<TagSpan> = Vec::new();
        for span in spans {
            match joined.last_mut().filter(|last| last.value == span.value && touches(last, &span)) {
                Some(last) => last.until = last.until.zip(span.until).map(|(a, b)| a.max(b)),
                None => joined.push(span),
            }
        }
        joined.sort_by(|a, b| (a.from, &a.value).cmp(&(b.from, &b.value)));
        TagValues(joined)
    }

    /// The values with their days, oldest first.
    pub fn spans(&self) -> &[TagSpan] {
        &self.0
    }

    /// The value on a day; of two that overlap, the one that goes on longer, which replaced the other.
    pub fn on(&self, day: Date) -> Option<&str> {
        newest(&self.0, day)
    }
}

/// The value of a day among spans, as [`TagValues::on`] has it.
pub(super) fn newest(spans: &[TagSpan], day: Date) -> Option<&str> {
    let held = spans.iter().filter(|span| span.covers(day));
    let newest = held.max_by_key(|span| (span.until.is_none(), span.until, span.from));
    newest.map(|span| span.value.as_str())
}

/// Whether `later`, which starts no earlier, begins before the other ends or on that day.
fn touches(earlier: &TagSpan, later: &TagSpan) -> bool {
    match (earlier.until, later.from) {
        (Some(until), Some(from)) => from <= until,
        _ => true,
    }
}

impl From<&str> for TagValues {
    fn from(value: &str) -> TagValues {
        TagValues(vec![TagSpan::always(value)])
    }
}

impl Serialize for TagValues {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [TagSpan { value, from: None, until: None }] => serializer.serialize_str(value),
            spans => spans.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for TagValues {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<TagValues, D::Error> {
        struct TextOrList;

        impl<'de> Visitor<'de> for TextOrList {
            type Value = TagValues;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a tag's value, or a list of values with their days")
            }

            fn visit_str<E>(self, value: &str) -> Result<TagValues, E> {
                Ok(TagValues::from(value))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<TagValues, A::Error> {
                let mut spans = Vec::new();
                while let Some(span) = items.next_element()? {
                    spans.push(span);
                }
                Ok(TagValues(spans))
            }
        }

        deserializer.deserialize_any(TextOrList)
    }
}
