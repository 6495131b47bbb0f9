//! The JSON Schema of a manifest, for editors, and the marks in it of settings that have no effect yet.

use std::sync::OnceLock;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::model::{Manifest, Tenant};

/// Marks a key or a value that the model knows and billform does not provision yet; `plan` lists it. The mark's value
/// is `true`.
pub const LATER: &str = "x-billform-later";

/// Marks a key or a value about money that has no effect yet, so that `validate` refuses it. The mark's value says
/// what to write instead.
pub const REFUSED: &str = "x-billform-refused";

/// The schema of a whole manifest, `manifests/schema.json` in the repository.
pub fn json_schema() -> Value {
    of::<Manifest>()
}

/// The schema of one tenant, which a file of `tenants/` holds.
pub fn tenant_schema() -> Value {
    of::<Tenant>()
}

fn of<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().for_deserialize().into_generator().into_root_schema_for::<T>().to_value()
}

/// One place of the schema.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    root: &'a Value,
    here: &'a Value,
}

impl Place<'static> {
    /// The whole manifest. The schema is made once.
    pub(super) fn root() -> Place<'static> {
        static SCHEMA: OnceLock<Value> = OnceLock::new();
        let root = SCHEMA.get_or_init(json_schema);
        Place { root, here: root }
    }
}

impl<'a> Place<'a> {
    /// The schema of a key's value: a property's, or that of every key of a map.
    pub(super) fn key(self, key: &str) -> Option<Place<'a>> {
        let here = self.find(&|place| match place.here.get("properties").and_then(|all| all.get(key)) {
            Some(property) => Some(property),
            None => place.here.get("additionalProperties").filter(|map| map.is_object()),
        });
        here.map(|here| Place { here, ..self })
    }

    /// The schema of a list's elements.
    pub(super) fn item(self) -> Option<Place<'a>> {
        self.find(&|place| place.here.get("items")).map(|here| Place { here, ..self })
    }

    /// The keys of a mapping in the order of the model; none of a mapping with free keys.
    pub(super) fn keys(self) -> Vec<&'a str> {
        let keys = self.find(&|place| place.here.get("properties").and_then(Value::as_object));
        keys.map_or_else(Vec::new, |keys| keys.keys().map(String::as_str).collect())
    }

    /// The schema of one value among those that a setting knows.
    pub(super) fn value(self, text: &str) -> Option<Place<'a>> {
        let is_it = |place: &Place<'a>| place.here.get("const").is_some_and(|value| value == text);
        self.find(&|place| is_it(&place).then_some(place))
    }

    /// Whether the place is marked as provisioned later.
    pub(super) fn is_later(self) -> bool {
        self.here[LATER] == true
    }

    /// What to write instead of what is refused here.
    pub(super) fn refused(self) -> Option<&'a str> {
        self.here[REFUSED].as_str()
    }

    /// The place that a mere reference leads to, with nothing else lost: looked up once for all elements of a list.
    pub(super) fn resolved(self) -> Place<'a> {
        let only = self.here.as_object().is_some_and(|keys| keys.len() == 1);
        match self.here.get("$ref").and_then(Value::as_str).filter(|_| only) {
            Some(to) => self.root.pointer(to.trim_start_matches('#')).map_or(self, |here| Place { here, ..self }),
            None => self,
        }
    }

    /// The first that is found in the place itself, in what it refers to, or in the alternatives it allows. Every value of
    /// every tenant is looked up, so that nothing is collected on the way.
    fn find<T>(self, found: &dyn Fn(Place<'a>) -> Option<T>) -> Option<T> {
        let below = |here: &'a Value| Place { here, ..self }.find(found);
        let reference = || self.root.pointer(self.here.get("$ref")?.as_str()?.trim_start_matches('#'));
        let listed =
            || ["anyOf", "oneOf"].into_iter().filter_map(|keyword| self.here.get(keyword)?.as_array()).flatten();
        found(self).or_else(|| reference().and_then(below)).or_else(|| listed().find_map(below))
    }
}
