//! Stripe's published parameter table, read from `data/`: which operations exist, and what each takes.
//!
//! `stripe-params.json` is the published table; `stripe-overlay.json` says how the API version that
//! async-stripe speaks differs and what the local Stripe refuses because it keeps no such thing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;

use serde_json::{Map, Value};

const PUBLISHED: &str = include_str!("../../data/stripe-params.json");
const OVERLAY: &str = include_str!("../../data/stripe-overlay.json");

/// The type of one parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Text {
        max: Option<usize>,
    },
    Decimal,
    Integer,
    Number,
    Boolean,
    Choice(Vec<String>),
    List(Box<Type>),
    MapOf(Box<Type>),
    Object(Fields),
    /// An object with any keys.
    Open,
    AnyOf(Vec<Type>),
    /// `defs[n]` of the table.
    Fragment(usize),
}

/// The parameters of an object, by name.
pub(crate) type Fields = BTreeMap<String, Field>;

/// One named parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) required: bool,
    pub(crate) kind: Type,
}

/// One operation: its parameters, and those Stripe takes but the local Stripe does not keep (`a.b` paths).
#[derive(Clone, Debug, Default)]
pub(crate) struct Operation {
    pub(crate) params: Fields,
    pub(crate) not_modelled: BTreeSet<String>,
    /// Parameters that the overlay's API version does not take any more; requests of older versions still have them.
    pub(crate) removed: BTreeSet<String>,
}

/// The whole table.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// Every published operation, by `METHOD /template`.
    pub(crate) operations: HashMap<String, Operation>,
    /// The API version from which on parameters are removed.
    pub(crate) removed_since: String,
    defs: Vec<Type>,
    document: Value,
}

/// The data file is not what this code reads.
#[derive(Debug, thiserror::Error)]
#[error("Stripe's parameter table is malformed at {place}: {cause}; compare with `data/stripe-params.json`")]
pub(crate) struct TableError {
    place: String,
    cause: String,
}

impl Table {
    /// The table in the package, parsed once.
    pub(crate) fn embedded() -> &'static Table {
        static TABLE: OnceLock<Table> = OnceLock::new();
        TABLE.get_or_init(|| {
            Table::parse(PUBLISHED, OVERLAY).expect("the data files are part of the package and tested")
        })
    }

    /// The published table with the overlay applied.
    pub(crate) fn parse(published: &str, overlay: &str) -> Result<Table, TableError> {
        let mut published = document(published, "stripe-params.json")?;
        let overlay = document(overlay, "stripe-overlay.json")?;
        let mut table = Table {
            operations: operations(&published)?,
            defs: published["defs"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|def| kind(def, "defs"))
                .collect::<Result<_, _>>()?,
            removed_since: overlay["api_version"].as_str().unwrap_or_default().to_owned(),
            document: Value::Null,
        };
        table.operations.extend(operations(&overlay)?);
        merge(&mut published, &overlay);
        table.document = published;
        table.apply(&overlay)?;
        Ok(table)
    }

    /// The type a fragment stands for; other types are themselves.
    pub(crate) fn resolve<'a>(&'a self, kind: &'a Type) -> &'a Type {
        match kind {
            Type::Fragment(at) => self.defs.get(*at).map_or(&Type::Open, |def| self.resolve(def)),
            other => other,
        }
    }

    /// The published table as it is written, with what the overlay adds: what operations answer (`ops`, `objects`, `defs`).
    pub(crate) fn answers(&self) -> &Value {
        &self.document
    }

    /// The published choices of a parameter, of a list's items too; empty where it has none.
    #[cfg(test)]
    pub(crate) fn choices(&self, operation: &str, param: &str) -> &[String] {
        let field = self.operations.get(operation).and_then(|operation| operation.params.get(param));
        let mut kind = field.map(|field| self.resolve(&field.kind));
        while let Some(Type::List(inner)) = kind {
            kind = Some(self.resolve(inner));
        }
        match kind {
            Some(Type::Choice(choices)) => choices,
            _ => &[],
        }
    }

    fn apply(&mut self, overlay: &Value) -> Result<(), TableError> {
        for (name, added) in entries(&overlay["add"]) {
            let fields = fields(added, name)?;
            self.operation(name)?.params.extend(fields);
        }
        for (name, added) in entries(&overlay["choices"]) {
            for (param, choices) in entries(added) {
                let field = self.operation(name)?.params.get_mut(param).ok_or_else(|| unknown(name, param))?;
                match &mut field.kind {
                    Type::Choice(known) => known.extend(texts(choices)),
                    _ => return Err(unknown(name, param)),
                }
            }
        }
        for (name, listed) in entries(&overlay["clearable"]) {
            let operation = self.operation(name)?;
            for param in texts(listed) {
                let field = operation.params.get_mut(&param).ok_or_else(|| unknown(name, &param))?;
                field.kind = clearable(field.kind.clone());
            }
        }
        for (name, listed) in entries(&overlay["removed"]) {
            let listed = texts(listed);
            for path in &listed {
                self.find(name, path)?;
            }
            self.operation(name)?.removed = listed.into_iter().collect();
        }
        for (name, listed) in entries(&overlay["not_modelled"]) {
            let listed = texts(listed);
            for path in &listed {
                self.find(name, path)?;
            }
            self.operation(name)?.not_modelled = listed.into_iter().collect();
        }
        Ok(())
    }

    fn operation(&mut self, name: &str) -> Result<&mut Operation, TableError> {
        self.operations.get_mut(name).ok_or_else(|| unknown(name, "operation"))
    }

    /// A path of the overlay must exist, so that a typing error there cannot switch a check off.
    fn find(&self, name: &str, path: &str) -> Result<(), TableError> {
        let operation = self.operations.get(name).ok_or_else(|| unknown(name, path))?;
        let mut fields = Some(&operation.params);
        for part in path.split('.') {
            let field = fields.and_then(|known| known.get(part));
            let field = field.ok_or_else(|| unknown(name, path))?;
            fields = self.fields_of(&field.kind);
        }
        Ok(())
    }

    fn fields_of<'a>(&'a self, kind: &'a Type) -> Option<&'a Fields> {
        match self.resolve(kind) {
            Type::Object(fields) => Some(fields),
            Type::List(inner) | Type::MapOf(inner) => self.fields_of(inner),
            Type::AnyOf(kinds) => kinds.iter().find_map(|kind| self.fields_of(kind)),
            _ => None,
        }
    }
}

/// Adds what the overlay answers: operations, whole objects, and fields of published objects.
fn merge(published: &mut Value, overlay: &Value) {
    for part in ["ops", "objects"] {
        for (name, added) in entries(&overlay[part]) {
            published[part][name] = added.clone();
        }
    }
    for (name, added) in entries(&overlay["fields"]) {
        for (field, kind) in entries(added) {
            published["objects"][name]["fields"][field] = kind.clone();
        }
    }
}

fn clearable(kind: Type) -> Type {
    Type::AnyOf(vec![kind, Type::Choice(vec![String::new()])])
}

fn document(text: &str, name: &str) -> Result<Value, TableError> {
    serde_json::from_str(text).map_err(|cause| TableError { place: name.to_owned(), cause: cause.to_string() })
}

fn operations(document: &Value) -> Result<HashMap<String, Operation>, TableError> {
    let read = |(name, value): (&String, &Value)| {
        let params = fields(&value["params"], name)?;
        let operation = Operation { params, ..Operation::default() };
        Ok((name.clone(), operation))
    };
    entries(&document["ops"]).map(read).collect()
}

fn fields(value: &Value, place: &str) -> Result<Fields, TableError> {
    let read = |(name, value): (&String, &Value)| {
        let required = name.ends_with('!');
        let name = name.trim_end_matches('!').to_owned();
        let kind = kind(value, &format!("{place} {name}"))?;
        Ok((name, Field { required, kind }))
    };
    entries(value).map(read).collect()
}

fn kind(value: &Value, place: &str) -> Result<Type, TableError> {
    let bad = || TableError { place: place.to_owned(), cause: format!("unknown type {value}") };
    if let Some(letter) = value.as_str() {
        return scalar(letter).ok_or_else(bad);
    }
    let (key, inner) = entries(value).next().ok_or_else(bad)?;
    Ok(match key.as_str() {
        "e" => Type::Choice(texts(inner)),
        "a" => Type::List(Box::new(kind(inner, place)?)),
        "m" => Type::MapOf(Box::new(kind(inner, place)?)),
        "o" => Type::Object(fields(inner, place)?),
        "l" => Type::Open,
        "u" => {
            Type::AnyOf(inner.as_array().into_iter().flatten().map(|one| kind(one, place)).collect::<Result<_, _>>()?)
        }
        "f" => Type::Fragment(inner.as_u64().and_then(|at| usize::try_from(at).ok()).ok_or_else(bad)?),
        // Answers only; parameters never use them. They occur in fragments that both share.
        "r" | "n" | "x" | "list" => Type::Open,
        _ => return Err(bad()),
    })
}

fn scalar(letter: &str) -> Option<Type> {
    Some(match letter {
        "s" => Type::Text { max: None },
        "d" => Type::Decimal,
        "i" | "t" => Type::Integer,
        "n" => Type::Number,
        "b" => Type::Boolean,
        other => Type::Text { max: Some(other.strip_prefix("s:")?.parse().ok()?) },
    })
}

fn unknown(operation: &str, what: &str) -> TableError {
    TableError { place: operation.to_owned(), cause: format!("the overlay names `{what}`, which is not there") }
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn texts(value: &Value) -> Vec<String> {
    let listed = value.as_array().into_iter().flatten();
    listed.filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packaged_table_reads_and_names_its_source() {
        let table = Table::parse(PUBLISHED, OVERLAY).unwrap();
        assert!(table.operations.contains_key("POST /v1/invoices/{invoice}/finalize"));
        assert!(table.operations.contains_key("GET /v1/account"));
        assert!(table.operations.contains_key("GET /v1/prices/search"));
        let document: Value = serde_json::from_str(PUBLISHED).unwrap();
        assert_eq!(document["licence"], "MIT");
        assert_eq!(document["api_version"], "2026-08-26.dahlia");
        assert!(document["source"].as_str().unwrap().contains("stripe-mock"));
    }

    #[test]
    fn required_marks_lengths_and_choices_are_read() {
        let table = Table::embedded();
        let price = &table.operations["POST /v1/prices"].params;
        assert!(price["currency"].required);
        assert!(!price["nickname"].required);
        assert_eq!(price["lookup_key"].kind, Type::Text { max: Some(200) });
        let choices = vec!["graduated".to_owned(), "volume".to_owned()];
        assert_eq!(price["tiers_mode"].kind, Type::Choice(choices));
        assert!(matches!(table.resolve(&price["tiers"].kind), Type::List(_)));
    }

    #[test]
    fn an_overlay_that_misses_is_an_error() {
        for overlay in [
            r#"{"not_modelled":{"POST /v1/prices":["recuring.meter"]}}"#,
            r#"{"not_modelled":{"POST /v1/prizes":["x"]}}"#,
            r#"{"clearable":{"POST /v1/prices":["nick"]}}"#,
            r#"{"add":{"POST /v1/prizes":{"x":"s"}}}"#,
            r#"{"add":{"POST /v1/prices":{"x":"q"}}}"#,
            r#"{"choices":{"POST /v1/prices":{"nickname":["x"]}}}"#,
        ] {
            assert!(Table::parse(PUBLISHED, overlay).is_err(), "{overlay} passed");
        }
    }
}
