//! Tables between the SDK's words and ours.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, CreateGlobalSecondaryIndexAction, DeleteGlobalSecondaryIndexAction, GlobalSecondaryIndex,
    GlobalSecondaryIndexDescription, GlobalSecondaryIndexUpdate, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType, SseDescription, SseType, TableDescription, TimeToLiveDescription,
};

use super::{Desired, Keys};

/// What the service tells beside the table's description.
#[derive(Debug, Default)]
pub struct Beside {
    pub ttl_attribute: Option<String>,
    pub point_in_time_recovery: bool,
    pub tags: BTreeMap<String, String>,
}

/// A table as it is seen. A key that is no string, or an index that leaves attributes out, says so in the name of its
/// partition key, and so differs from all we can want.
pub fn observed(table: &TableDescription, beside: Beside) -> Desired {
    let types = table.attribute_definitions();
    let index = |index: &GlobalSecondaryIndexDescription| {
        let mut keys = keys(index.key_schema(), types);
        if let Some(part) = index.projection().and_then(Projection::projection_type)
            && *part != ProjectionType::All
        {
            keys.partition = format!("{} (projects {} only)", keys.partition, part.as_str());
        }
        Some((index.index_name()?.to_owned(), keys))
    };
    Desired {
        name: table.table_name().unwrap_or_default().to_owned(),
        keys: keys(table.key_schema(), types),
        indexes: table.global_secondary_indexes().iter().filter_map(index).collect(),
        ttl_attribute: beside.ttl_attribute,
        point_in_time_recovery: beside.point_in_time_recovery,
        deletion_protection: table.deletion_protection_enabled().unwrap_or(false),
        kms_encryption: table.sse_description().is_some_and(encrypts_with_kms),
        tags: beside.tags,
    }
}

/// The attribute that expires items; on its way in counts as there, on its way out as gone.
pub fn ttl_attribute(ttl: Option<&TimeToLiveDescription>) -> Option<String> {
    let ttl = ttl?;
    let status = ttl.time_to_live_status()?.as_str();
    let attribute = ttl.attribute_name()?;
    status.starts_with("ENABL").then(|| attribute.to_owned())
}

/// Whether the table, its indexes and its encryption have come to rest.
pub fn at_rest(table: &TableDescription) -> bool {
    let index = |index: &GlobalSecondaryIndexDescription| index.index_status().is_none_or(|s| s.as_str() == "ACTIVE");
    let settled = |sse: &SseDescription| sse.status().is_none_or(|s| matches!(s.as_str(), "ENABLED" | "DISABLED"));
    table.table_status().is_some_and(|status| status.as_str() == "ACTIVE")
        && table.global_secondary_indexes().iter().all(index)
        && table.sse_description().is_none_or(settled)
}

/// The attributes that the keys name, each once.
pub fn definitions<'a>(keys: impl IntoIterator<Item = &'a Keys>) -> Result<Vec<AttributeDefinition>, BuildError> {
    let names: BTreeSet<&String> =
        keys.into_iter().flat_map(|keys| [&keys.partition].into_iter().chain(&keys.sort)).collect();
    let definition = |name: &String| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build()
    };
    names.into_iter().map(definition).collect()
}

/// A key schema.
pub fn schema(keys: &Keys) -> Result<Vec<KeySchemaElement>, BuildError> {
    let element = |name: &String, part| KeySchemaElement::builder().attribute_name(name).key_type(part).build();
    let sort = keys.sort.iter().map(|sort| element(sort, KeyType::Range));
    std::iter::once(element(&keys.partition, KeyType::Hash)).chain(sort).collect()
}

/// The indexes that a new table has.
pub fn indexes(indexes: &BTreeMap<String, Keys>) -> Result<Vec<GlobalSecondaryIndex>, BuildError> {
    let index = |(name, keys): (&String, &Keys)| {
        GlobalSecondaryIndex::builder()
            .index_name(name)
            .set_key_schema(Some(schema(keys)?))
            .projection(everything())
            .build()
    };
    indexes.iter().map(index).collect()
}

/// One change of one index; a table takes one at a time.
#[derive(Debug, PartialEq)]
pub enum IndexStep<'a> {
    Remove(&'a str),
    Add(&'a str, &'a Keys),
}

/// How the indexes become those desired: what goes first, so that a changed one can come anew.
pub fn index_steps<'a>(
    observed: &'a BTreeMap<String, Keys>,
    desired: &'a BTreeMap<String, Keys>,
) -> Vec<IndexStep<'a>> {
    let gone = observed.iter().filter(|(name, keys)| desired.get(*name) != Some(keys));
    let new = desired.iter().filter(|(name, keys)| observed.get(*name) != Some(keys));
    gone.map(|(name, _)| IndexStep::Remove(name)).chain(new.map(|(name, keys)| IndexStep::Add(name, keys))).collect()
}

/// The step as UpdateTable takes it.
pub fn index_update(step: &IndexStep) -> Result<GlobalSecondaryIndexUpdate, BuildError> {
    let update = GlobalSecondaryIndexUpdate::builder();
    Ok(match step {
        IndexStep::Remove(name) => {
            update.delete(DeleteGlobalSecondaryIndexAction::builder().index_name(*name).build()?).build()
        }
        IndexStep::Add(name, keys) => {
            let create = CreateGlobalSecondaryIndexAction::builder().index_name(*name);
            let create = create.set_key_schema(Some(schema(keys)?)).projection(everything()).build()?;
            update.create(create).build()
        }
    })
}

fn everything() -> Projection {
    Projection::builder().projection_type(ProjectionType::All).build()
}

fn encrypts_with_kms(sse: &SseDescription) -> bool {
    let on = sse.status().is_some_and(|status| matches!(status.as_str(), "ENABLED" | "ENABLING" | "UPDATING"));
    on && sse.sse_type().is_none_or(|kind| *kind == SseType::Kms)
}

fn keys(schema: &[KeySchemaElement], types: &[AttributeDefinition]) -> Keys {
    let named = |part: KeyType| {
        let name = schema.iter().find(|element| *element.key_type() == part)?.attribute_name();
        let kind = types.iter().find(|attribute| attribute.attribute_name() == name)?.attribute_type();
        Some(if *kind == ScalarAttributeType::S { name.to_owned() } else { format!("{name} ({})", kind.as_str()) })
    };
    Keys { partition: named(KeyType::Hash).unwrap_or_default(), sort: named(KeyType::Range) }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::{IndexStatus, SseStatus, TableStatus, TimeToLiveStatus};

    use super::*;

    fn keys_of(partition: &str, sort: Option<&str>) -> Keys {
        Keys { partition: partition.to_owned(), sort: sort.map(str::to_owned) }
    }

    fn attribute(name: &str, kind: ScalarAttributeType) -> AttributeDefinition {
        AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().expect("a definition")
    }

    fn index(name: &str, keys: &Keys, projected: ProjectionType) -> GlobalSecondaryIndexDescription {
        GlobalSecondaryIndexDescription::builder()
            .index_name(name)
            .index_status(IndexStatus::Active)
            .set_key_schema(Some(schema(keys).expect("a schema")))
            .projection(Projection::builder().projection_type(projected).build())
            .build()
    }

    #[test]
    fn a_table_reads_as_it_was_made() {
        let (own, by_kind) = (keys_of("tenant", Some("item")), keys_of("kind", None));
        let table = TableDescription::builder()
            .table_name("ledger")
            .table_status(TableStatus::Active)
            .set_attribute_definitions(Some(definitions([&own, &by_kind]).expect("definitions")))
            .set_key_schema(Some(schema(&own).expect("a schema")))
            .global_secondary_indexes(index("by_kind", &by_kind, ProjectionType::All))
            .sse_description(SseDescription::builder().status(SseStatus::Enabled).sse_type(SseType::Kms).build())
            .deletion_protection_enabled(true)
            .build();
        let seen = observed(&table, Beside::default());
        assert_eq!((&seen.keys, &seen.indexes), (&own, &BTreeMap::from([("by_kind".to_owned(), by_kind)])));
        assert!(seen.deletion_protection && seen.kms_encryption && !seen.point_in_time_recovery);
        assert!(at_rest(&table));
    }

    #[test]
    fn keys_that_are_no_strings_and_indexes_that_leave_out_differ() {
        let own = keys_of("id", None);
        let table = TableDescription::builder()
            .attribute_definitions(attribute("id", ScalarAttributeType::N))
            .attribute_definitions(attribute("kind", ScalarAttributeType::S))
            .set_key_schema(Some(schema(&own).expect("a schema")))
            .global_secondary_indexes(index("by_kind", &keys_of("kind", None), ProjectionType::KeysOnly))
            .build();
        let seen = observed(&table, Beside::default());
        assert_eq!(seen.keys.partition, "id (N)");
        assert_eq!(seen.indexes["by_kind"].partition, "kind (projects KEYS_ONLY only)");
        assert!(!at_rest(&table));
    }

    #[test]
    fn attributes_are_defined_once() {
        let names: Vec<String> = definitions([&keys_of("a", Some("b")), &keys_of("b", Some("a"))])
            .expect("definitions")
            .into_iter()
            .map(|definition| definition.attribute_name)
            .collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn a_changed_index_goes_and_comes_anew() {
        let (old, new, same) = (keys_of("a", None), keys_of("b", None), keys_of("c", None));
        let named = |pairs: &[(&str, &Keys)]| {
            pairs.iter().map(|(name, keys)| ((*name).to_owned(), (*keys).clone())).collect::<BTreeMap<_, _>>()
        };
        let observed = named(&[("changed", &old), ("gone", &old), ("same", &same)]);
        let desired = named(&[("changed", &new), ("more", &new), ("same", &same)]);
        let expected = [
            IndexStep::Remove("changed"),
            IndexStep::Remove("gone"),
            IndexStep::Add("changed", &new),
            IndexStep::Add("more", &new),
        ];
        assert_eq!(index_steps(&observed, &desired), expected);
        assert!(index_steps(&desired, &desired).is_empty());
    }

    #[test]
    fn an_expiry_on_its_way_in_is_there_and_one_on_its_way_out_is_not() {
        let ttl = |status| TimeToLiveDescription::builder().attribute_name("ttl").time_to_live_status(status).build();
        assert_eq!(ttl_attribute(Some(&ttl(TimeToLiveStatus::Enabling))), Some("ttl".to_owned()));
        assert_eq!(ttl_attribute(Some(&ttl(TimeToLiveStatus::Disabling))), None);
        assert_eq!(ttl_attribute(Some(&ttl(TimeToLiveStatus::Disabled))), None);
        assert_eq!(ttl_attribute(None), None);
    }
}
