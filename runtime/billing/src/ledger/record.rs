//! Records as text: JSON with a schema number, which later versions of billform read for ever.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Indexed, Key, PortError, Stored};

/// The field of a stored text that carries its schema number. Texts without one are of version 1.
pub const SCHEMA_FIELD: &str = "schema";

/// Something the ledger keeps.
///
/// One stored text of every version is kept in `tests/ledger/NAME/VERSION.json` and must parse for ever.
pub trait Record: Serialize + DeserializeOwned {
    /// Its name in messages and in the golden history: `cost_day`.
    const NAME: &'static str;
    /// The version that is written. Count it up when the text changes in a way that [`Record::upgrade`] has to bridge.
    const SCHEMA: u32;

    /// The sort key it lies under.
    fn sort_key(&self) -> String;

    /// What is stored beside its text.
    fn indexed(&self) -> Indexed {
        Indexed::default()
    }

    /// Turns the fields of an older version into those of the next one. Called for each version between the stored one
    /// and [`Record::SCHEMA`], oldest first.
    fn upgrade(_from: u32, fields: Map<String, Value>) -> Map<String, Value> {
        fields
    }
}

impl Stored {
    /// A record as an item of a partition.
    pub fn of<T: Record>(partition: &str, record: &T) -> Result<Stored, PortError> {
        let key = Key::new(partition, record.sort_key());
        let text = encode(record).map_err(|cause| PortError::new(format!("write {}", key.place()), cause))?;
        Ok(Stored { key, text, indexed: record.indexed() })
    }

    /// The record it holds.
    pub fn record<T: Record>(&self) -> Result<T, PortError> {
        decode(&self.text)
            .map_err(|cause| PortError { refused: true, ..PortError::new(format!("read {}", self.key.place()), cause) })
    }
}

impl Key {
    /// The key as messages name it: `mmp-toledo/cost#2026-10-05`.
    pub fn place(&self) -> String {
        format!("{}/{}", self.partition, self.sort)
    }
}

/// Why a text is not a record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Not JSON, or not with the record's fields.
    #[error("the {name} is malformed: {cause}")]
    Malformed {
        /// The record's name.
        name: &'static str,
        /// What the parser says.
        cause: serde_json::Error,
    },
    /// Of a version that this program does not know.
    #[error("the {name} is of schema {found}, and this billform knows up to {known}; use a newer one")]
    TooNew {
        /// The record's name.
        name: &'static str,
        /// The stored version.
        found: String,
        /// The latest known one.
        known: u32,
    },
}

/// A record as JSON text, its schema number first.
pub fn encode<T: Record>(record: &T) -> Result<String, RecordError> {
    let malformed = |cause| RecordError::Malformed { name: T::NAME, cause };
    let text = serde_json::to_string(record).map_err(malformed)?;
    let number = T::SCHEMA;
    // Text to text: a JSON value between would be the size of the record once more.
    Ok(match text.strip_prefix('{') {
        Some("}") => format!("{{\"{SCHEMA_FIELD}\":{number}}}"),
        Some(fields) => format!("{{\"{SCHEMA_FIELD}\":{number},{fields}"),
        None => text,
    })
}

/// The record of a text of any version up to the present one.
pub fn decode<T: Record>(text: &str) -> Result<T, RecordError> {
    let malformed = |cause| RecordError::Malformed { name: T::NAME, cause };
    let found = schema_of(text).map_err(malformed)?;
    match found {
        Some(found) if found == T::SCHEMA => serde_json::from_str(text).map_err(malformed),
        Some(found) if (1..T::SCHEMA).contains(&found) => {
            let mut fields: Map<String, Value> = serde_json::from_str(text).map_err(malformed)?;
            for version in found..T::SCHEMA {
                fields = T::upgrade(version, fields);
            }
            serde_json::from_value(Value::Object(fields)).map_err(malformed)
        }
        found => {
            let found = found.map_or_else(|| "an unreadable number".to_owned(), |found| found.to_string());
            Err(RecordError::TooNew { name: T::NAME, found, known: T::SCHEMA })
        }
    }
}

/// A text's schema number; 1 without one, none when it is not a version number.
fn schema_of(text: &str) -> Result<Option<u32>, serde_json::Error> {
    #[derive(serde::Deserialize)]
    struct Numbered {
        #[serde(default)]
        schema: Option<Value>,
    }
    if let Some(number) = first_number(text) {
        return Ok(Some(number));
    }
    let numbered: Numbered = serde_json::from_str(text)?;
    Ok(match numbered.schema {
        None => Some(1),
        Some(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
    })
}

/// The number where it stands first, as [`encode`] writes it: the rest of the text is read once, not twice.
fn first_number(text: &str) -> Option<u32> {
    let number = text.strip_prefix("{\"")?.strip_prefix(SCHEMA_FIELD)?.strip_prefix("\":")?;
    let end = number.find([',', '}'])?;
    number[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    /// A record whose second version renamed `old` and whose third added `unit`.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Third {
        new: u32,
        unit: String,
    }

    impl Record for Third {
        const NAME: &'static str = "third";
        const SCHEMA: u32 = 3;

        fn sort_key(&self) -> String {
            "third".to_owned()
        }

        fn upgrade(from: u32, mut fields: Map<String, Value>) -> Map<String, Value> {
            match from {
                1 => fields.remove("old").and_then(|old| fields.insert("new".to_owned(), old)),
                _ => fields.insert("unit".to_owned(), "day".into()),
            };
            fields
        }
    }

    fn third() -> Third {
        Third { new: 7, unit: "day".to_owned() }
    }

    #[test]
    fn a_text_carries_its_number_first() {
        assert_eq!(encode(&third()).expect("a text"), r#"{"schema":3,"new":7,"unit":"day"}"#);
    }

    #[test]
    fn every_older_version_is_upgraded_step_by_step() {
        for text in [
            r#"{"old":7}"#,
            r#"{"schema":1,"old":7}"#,
            r#"{"schema":2,"new":7}"#,
            r#"{"new":7,"unit":"day","schema":3}"#,
            r#"{ "schema" : 3, "new": 7, "unit": "day" }"#,
        ] {
            assert_eq!(decode::<Third>(text).expect(text), third(), "{text}");
        }
    }

    #[test]
    fn a_newer_or_odd_version_is_refused() {
        for (text, says) in [
            (r#"{"schema":4,"new":7,"unit":"day"}"#, "schema 4"),
            (r#"{"schema":0,"new":7,"unit":"day"}"#, "schema 0"),
            (r#"{"schema":"3","new":7,"unit":"day"}"#, "unreadable number"),
            (r#"{"schema":3,"#, "malformed"),
            (r#"{"schema":3}}"#, "malformed"),
            ("[]", "malformed"),
        ] {
            let refused = decode::<Third>(text).expect_err(text).to_string();
            assert!(refused.contains(says), "{refused}");
        }
    }

    #[test]
    fn an_item_that_does_not_parse_is_named() {
        let stored = Stored { key: Key::new("a", "third"), text: "{}".to_owned(), indexed: Indexed::default() };
        let refused = stored.record::<Third>().expect_err("it is empty").to_string();
        assert!(refused.contains("a/third"), "{refused}");
    }
}
