//! A serde `Deserializer` over the tree. Its errors say which node they are about, as steps from the root, so that the
//! node can be pointed at and taken out.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, EnumAccess, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::node::{Entry, Node, Standing, Step, Value};
use super::scalar::{Kind, kind};

/// The tree as a typed value, or the first thing that is wrong with it.
pub(super) fn decode<T: DeserializeOwned>(root: &Node) -> Result<T, DecodeError> {
    T::deserialize(Reader(root))
}

/// What is wrong with one node.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DecodeError {
    pub fault: Fault,
    /// From the node up to the root while the error travels; [`DecodeError::path`] turns it round.
    steps_up: Vec<Step>,
}

/// The kinds of fault.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fault {
    /// A key that the mapping does not know; the path ends with it.
    UnknownKey { known: &'static [&'static str] },
    /// A key that the mapping must have; the path is the mapping's.
    MissingKey { key: String },
    /// A text that is none of the values that a setting knows.
    UnknownValue { value: String, known: &'static [&'static str] },
    /// An unquoted number or truth value where text belongs.
    Unquoted { text: String, is: &'static str },
    /// A key with nothing after it.
    Nothing,
    /// A mapping of which nothing is left: what stood in it was reported.
    Emptied,
    /// A value of another type.
    Type { expected: String, found: String, hint: Option<String> },
    /// Anything else; the message says how to write it.
    Other(String),
}

impl DecodeError {
    /// The steps from the root to what is wrong.
    pub(super) fn path(&self) -> Vec<Step> {
        self.steps_up.iter().rev().cloned().collect()
    }

    fn new(fault: Fault) -> DecodeError {
        DecodeError { fault, steps_up: Vec::new() }
    }

    fn under(mut self, step: Step) -> DecodeError {
        self.steps_up.push(step);
        self
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.fault)
    }
}

impl std::error::Error for DecodeError {}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        DecodeError::new(Fault::Other(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        DecodeError::new(Fault::Type { expected: expected.to_string(), found: found.to_string(), hint: None })
    }

    fn invalid_value(found: Unexpected<'_>, _: &dyn Expected) -> Self {
        DecodeError::new(Fault::Other(format!("{found} is out of range")))
    }

    fn unknown_field(_: &str, known: &'static [&'static str]) -> Self {
        DecodeError::new(Fault::UnknownKey { known })
    }

    fn missing_field(key: &'static str) -> Self {
        DecodeError::new(Fault::MissingKey { key: key.to_owned() })
    }

    fn unknown_variant(value: &str, known: &'static [&'static str]) -> Self {
        DecodeError::new(Fault::UnknownValue { value: value.to_owned(), known })
    }
}

#[derive(Clone, Copy)]
struct Reader<'a>(&'a Node);

impl<'a> Reader<'a> {
    fn wrong_type(self, expected: &str, hint: Option<&str>) -> DecodeError {
        let found = match &self.0.value {
            Value::Plain(text) => match kind(text) {
                Kind::Nothing => return DecodeError::new(Fault::Nothing),
                Kind::Truth(_) | Kind::OldTruth => format!("the truth value `{text}`"),
                Kind::Number => format!("the number `{text}`"),
                Kind::Text => format!("the text `{text}`"),
            },
            Value::Quoted(text) => format!("the text \"{text}\""),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
            Value::Hole => "nothing".to_owned(),
        };
        let (expected, hint) = (expected.to_owned(), hint.map(str::to_owned));
        DecodeError::new(Fault::Type { expected, found, hint })
    }

    fn text(self) -> Result<&'a str, DecodeError> {
        match &self.0.value {
            Value::Quoted(text) => Ok(text),
            Value::Hole => Ok(""),
            Value::Plain(text) => match kind(text) {
                Kind::Text => Ok(text),
                Kind::Nothing => Err(DecodeError::new(Fault::Nothing)),
                Kind::Number => Err(DecodeError::new(Fault::Unquoted { text: text.clone(), is: "a number" })),
                Kind::Truth(_) | Kind::OldTruth => {
                    Err(DecodeError::new(Fault::Unquoted { text: text.clone(), is: "a truth value" }))
                }
            },
            _ => Err(self.wrong_type("text", None)),
        }
    }

    fn whole_number<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let wrong = || self.wrong_type("a whole number", Some("write it in plain digits, without quotes"));
        match &self.0.value {
            Value::Hole => visitor.visit_u64(0),
            Value::Plain(text) if kind(text) == Kind::Number => match text.strip_prefix('-') {
                Some(_) => visitor.visit_i64(text.parse().map_err(|_| wrong())?),
                None => visitor.visit_u64(text.parse().map_err(|_| wrong())?),
            },
            _ => Err(wrong()),
        }
    }

    fn list<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let items: &[Node] = match &self.0.value {
            Value::List(items) => items,
            Value::Hole => &[],
            Value::Plain(text) if kind(text) == Kind::Nothing => return Err(DecodeError::new(Fault::Nothing)),
            _ => return Err(self.wrong_type("a list", Some("write it as [a, b], or each item on a line after a dash"))),
        };
        visitor.visit_seq(Items { items, next: 0 })
    }

    fn map<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let entries: &[Entry] = match &self.0.value {
            Value::Map(entries) => entries,
            Value::Hole => &[],
            Value::Plain(text) if kind(text) == Kind::Nothing => return Err(DecodeError::new(Fault::Nothing)),
            _ => return Err(self.wrong_type("a mapping", Some("write `key: value` lines under it, indented further"))),
        };
        visitor.visit_map(Entries { entries, next: 0 })
    }
}

impl<'de> de::Deserializer<'de> for Reader<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.0.value {
            Value::List(_) => self.list(visitor),
            Value::Map(_) => self.map(visitor),
            Value::Hole => visitor.visit_seq(Items { items: &[], next: 0 }),
            Value::Plain(_) | Value::Quoted(_) => visitor.visit_borrowed_str(self.text()?),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.0.value {
            Value::Hole => visitor.visit_bool(false),
            Value::Plain(text) => match kind(text) {
                Kind::Truth(truth) => visitor.visit_bool(truth),
                _ => Err(self.wrong_type("`true` or `false`", None)),
            },
            _ => Err(self.wrong_type("`true` or `false`", Some("write it without quotes"))),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.whole_number(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.whole_number(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.whole_number(visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.whole_number(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.0.value {
            Value::Hole => visitor.visit_none(),
            // An empty key is a mistake, not a way to say "none": `budget:` with the amount forgotten.
            Value::Plain(text) if kind(text) == Kind::Nothing => Err(DecodeError::new(Fault::Nothing)),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.list(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.map(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match &self.0.value {
            Value::Map(entries) => {
                let mut left = entries.iter().filter(|entry| entry.standing != Standing::PassedOver);
                match (left.next(), left.next()) {
                    (Some(entry), None) => visitor.visit_enum(Variant { entry }),
                    (None, _) if !entries.is_empty() => Err(DecodeError::new(Fault::Emptied)),
                    _ => {
                        let one_of = variants.join("` or `");
                        Err(DecodeError::new(Fault::Other(format!("write exactly one of the keys `{one_of}` here"))))
                    }
                }
            }
            _ => visitor.visit_enum(self.text()?.into_deserializer()),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct
    }
}

/// The elements of a list; holes are passed over.
struct Items<'a> {
    items: &'a [Node],
    next: usize,
}

impl<'a> SeqAccess<'a> for Items<'a> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<Option<S::Value>, DecodeError> {
        while let Some(node) = self.items.get(self.next) {
            let index = self.next;
            self.next += 1;
            if node.value != Value::Hole {
                return seed.deserialize(Reader(node)).map(Some).map_err(|error| error.under(Step::Index(index)));
            }
        }
        Ok(None)
    }
}

struct Entries<'a> {
    entries: &'a [Entry],
    next: usize,
}

impl<'a> MapAccess<'a> for Entries<'a> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        while self.entries.get(self.next).is_some_and(|entry| entry.standing == Standing::PassedOver) {
            self.next += 1;
        }
        let Some(entry) = self.entries.get(self.next) else { return Ok(None) };
        let key = StrDeserializer::<DecodeError>::new(&entry.key);
        seed.deserialize(key).map(Some).map_err(|error| error.under(Step::from(&entry.key)))
    }

    fn next_value_seed<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<S::Value, DecodeError> {
        let Some(entry) = self.entries.get(self.next) else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        self.next += 1;
        seed.deserialize(Reader(&entry.node)).map_err(|error| error.under(Step::from(&entry.key)))
    }
}

/// A variant written as `variant: content`.
struct Variant<'a> {
    entry: &'a Entry,
}

impl<'a> EnumAccess<'a> for Variant<'a> {
    type Error = DecodeError;
    type Variant = Variant<'a>;

    fn variant_seed<S: DeserializeSeed<'a>>(self, seed: S) -> Result<(S::Value, Variant<'a>), DecodeError> {
        let key = StrDeserializer::<DecodeError>::new(&self.entry.key);
        let variant = seed.deserialize(key).map_err(|mut error| {
            if let Fault::UnknownValue { known, .. } = error.fault {
                error.fault = Fault::UnknownKey { known };
            }
            error.under(Step::from(&self.entry.key))
        });
        Ok((variant?, self))
    }
}

impl<'a> VariantAccess<'a> for Variant<'a> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        let plain = Fault::Other(format!("write `{}` as text here, without a value after it", self.entry.key));
        Err(DecodeError::new(plain).under(Step::from(&self.entry.key)))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'a>>(self, seed: S) -> Result<S::Value, DecodeError> {
        seed.deserialize(Reader(&self.entry.node)).map_err(|error| error.under(Step::from(&self.entry.key)))
    }

    fn tuple_variant<V: Visitor<'a>>(self, _: usize, visitor: V) -> Result<V::Value, DecodeError> {
        let step = Step::from(&self.entry.key);
        Reader(&self.entry.node).list(visitor).map_err(|error| error.under(step))
    }

    fn struct_variant<V: Visitor<'a>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, DecodeError> {
        let step = Step::from(&self.entry.key);
        Reader(&self.entry.node).map(visitor).map_err(|error| error.under(step))
    }
}
