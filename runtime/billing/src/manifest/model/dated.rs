//! Facts that the manifest may write with dates: the short form is one value, the long one a list.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::manifest::text::{Day, Rate};
use crate::tenant::{TagSpan, TagValues};

/// A tag's value: `P2`; or several, each from a day on: `[{value: P2}, {value: P2new, from: 2026-12-01}]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatedValues {
    /// One value, without a date.
    One(String),
    /// Values that follow one another.
    Many(Vec<DatedValue>),
}

/// A value of a tag from a day on, until the next one begins.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatedValue {
    /// The value.
    pub value: String,
    /// The first day; only the first value may leave it out, and then holds from the beginning on.
    #[serde(default)]
    pub from: Option<Day>,
}

impl DatedValues {
    /// The values in the order written.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        let (one, many) = match self {
            DatedValues::One(value) => (Some(value.as_str()), &[][..]),
            DatedValues::Many(values) => (None, values.as_slice()),
        };
        one.into_iter().chain(many.iter().map(|dated| dated.value.as_str()))
    }

    /// The values with their days, in the order written; each holds until the next one begins.
    pub fn spans(&self) -> Vec<TagSpan> {
        match self {
            DatedValues::One(value) => vec![TagSpan::always(value)],
            DatedValues::Many(values) => {
                let ends = values.iter().skip(1).map(|next| next.from.map(Day::value)).chain([None]);
                let span = |(dated, until): (&DatedValue, _)| TagSpan {
                    value: dated.value.clone(),
                    from: dated.from.map(Day::value),
                    until,
                };
                values.iter().zip(ends).map(span).collect()
            }
        }
    }

    /// The values by day, as the tenant record has them.
    pub fn held(&self) -> TagValues {
        TagValues::new(self.spans())
    }
}

impl<'de> Deserialize<'de> for DatedValues {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;

        impl<'de> Visitor<'de> for OneOrMany {
            type Value = DatedValues;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a tag's value, or a list of values with the days they begin on")
            }

            fn visit_str<E>(self, value: &str) -> Result<DatedValues, E> {
                Ok(DatedValues::One(value.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<DatedValues, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = items.next_element()? {
                    values.push(value);
                }
                Ok(DatedValues::Many(values))
            }
        }

        deserializer.deserialize_any(OneOrMany)
    }
}

impl JsonSchema for DatedValues {
    fn schema_name() -> Cow<'static, str> {
        "DatedValues".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let item = generator.subschema_for::<DatedValue>();
        json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": item }] })
    }
}

/// Rates by currency, of one day: `{CHF: "0.88"}`; or of several: `[{date: 2026-10-30, EUR: "0.9137", source: ECB}]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rates {
    /// By currency; `fx.date` says of which day.
    OneDay(BTreeMap<String, Rate>),
    /// Day by day.
    Days(Vec<DayRates>),
}

impl Default for Rates {
    fn default() -> Rates {
        Rates::OneDay(BTreeMap::new())
    }
}

/// The rates of one day: `{date: 2026-10-30, EUR: "0.9137", CHF: "0.8800", source: ECB}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayRates {
    /// The day.
    pub date: Day,
    /// Who states them; `fx.source` when left out.
    pub source: Option<String>,
    /// Units of each currency for one USD.
    pub rates: BTreeMap<String, Rate>,
}

impl<'de> Deserialize<'de> for Rates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneDayOrMore;

        impl<'de> Visitor<'de> for OneDayOrMore {
            type Value = Rates;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("rates by currency, or a list of them by day")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Rates, A::Error> {
                let mut rates = BTreeMap::new();
                while let Some((currency, rate)) = entries.next_entry()? {
                    rates.insert(currency, rate);
                }
                Ok(Rates::OneDay(rates))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Rates, A::Error> {
                let mut days = Vec::new();
                while let Some(day) = items.next_element()? {
                    days.push(day);
                }
                Ok(Rates::Days(days))
            }
        }

        deserializer.deserialize_any(OneDayOrMore)
    }
}

impl JsonSchema for Rates {
    fn schema_name() -> Cow<'static, str> {
        "Rates".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (rate, day) = (generator.subschema_for::<Rate>(), generator.subschema_for::<DayRates>());
        json_schema!({ "anyOf": [{ "type": "object", "additionalProperties": rate }, { "type": "array", "items": day }] })
    }
}

impl<'de> Deserialize<'de> for DayRates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;

        impl<'de> Visitor<'de> for Keys {
            type Value = DayRates;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a day's rates, such as {date: 2026-10-30, EUR: \"0.9137\", source: ECB}")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<DayRates, A::Error> {
                let (mut date, mut source, mut rates) = (None, None, BTreeMap::new());
                while let Some(key) = entries.next_key::<String>()? {
                    match key.as_str() {
                        "date" => date = Some(entries.next_value()?),
                        "source" => source = Some(entries.next_value()?),
                        _ => {
                            rates.insert(key, entries.next_value()?);
                        }
                    }
                }
                let date = date.ok_or_else(|| A::Error::missing_field("date"))?;
                Ok(DayRates { date, source, rates })
            }
        }

        deserializer.deserialize_map(Keys)
    }
}

impl JsonSchema for DayRates {
    fn schema_name() -> Cow<'static, str> {
        "DayRates".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (day, rate) = (generator.subschema_for::<Day>(), generator.subschema_for::<Rate>());
        json_schema!({
            "description": "The rates of one day: a currency's code -> its units for one USD.",
            "type": "object",
            "properties": {
                "date": day,
                "source": { "description": "Who states them; `fx.source` when left out.", "type": "string" },
            },
            "required": ["date"],
            "additionalProperties": rate,
        })
    }
}
