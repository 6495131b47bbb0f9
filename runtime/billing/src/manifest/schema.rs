//! The JSON Schema of a manifest, for editors, and the marks in it of settings that have no effect yet.

use std::sync::OnceLock;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::model::Manifest;

/// Marks a key or a value that the model knows and billform does not provision yet; `plan` lists it. The mark's value
/// is `true`.
pub const LATER: &str = "x-billform-later";

/// Marks a key or a value about money that has no effect yet, so that `validate` refuses it. The mark's value says
/// what to write instead.
pub const REFUSED: &str = "x-billform-refused";

/// The schema of a whole manifest, `manifests/schema.json` in the repository.
pub fn json_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    generator.into_root_schema_for::<Manifest>().to_value()
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
        let schema = |place: Place<'a>| match place.here["properties"].get(key) {
            Some(property) => Some(property),
            None => Some(&place.here["additionalProperties"]).filter(|map| map.is_object()),
        };
        self.options().into_iter().find_map(schema).map(|here| Place { here, ..self })
    }

    /// The schema of a list's elements.
    pub(super) fn item(self) -> Option<Place<'a>> {
        let items = self.options().into_iter().find_map(|place| place.here.get("items"));
        items.map(|here| Place { here, ..self })
    }

    /// The schema of one value among those that a setting knows.
    pub(super) fn value(self, text: &str) -> Option<Place<'a>> {
        self.options().into_iter().find(|place| place.here["const"] == text)
    }

    /// Whether the place is marked as provisioned later.
    pub(super) fn is_later(self) -> bool {
        self.here[LATER] == true
    }

    /// What to write instead of what is refused here.
    pub(super) fn refused(self) -> Option<&'a str> {
        self.here[REFUSED].as_str()
    }

    /// The place itself, what it refers to, and the alternatives it allows.
    fn options(self) -> Vec<Place<'a>> {
        let reference = self.here["$ref"].as_str().and_then(|to| self.root.pointer(to.trim_start_matches('#')));
        let listed = ["anyOf", "oneOf"].into_iter().filter_map(|keyword| self.here[keyword].as_array()).flatten();
        let below = reference.into_iter().chain(listed).map(|here| Place { here, ..self });
        std::iter::once(self).chain(below.flat_map(Place::options)).collect()
    }
}
