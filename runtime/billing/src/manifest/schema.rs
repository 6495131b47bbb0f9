//! The JSON Schema of a manifest, for editors.

use schemars::generate::SchemaSettings;

use super::model::Manifest;

/// The schema of a whole manifest, `manifests/schema.json` in the repository.
pub fn json_schema() -> serde_json::Value {
    let generator = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    generator.into_root_schema_for::<Manifest>().to_value()
}
