//! `dynamodb_table`: an on-demand table with its indexes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a table is to be. All key attributes are strings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The table's name.
    pub name: String,
    /// Partition and sort key.
    pub keys: Keys,
    /// Global secondary indexes by name; all project all attributes.
    pub indexes: BTreeMap<String, Keys>,
    /// The attribute that expires items, unix seconds.
    pub ttl_attribute: Option<String>,
    /// Point-in-time recovery.
    pub point_in_time_recovery: bool,
    /// Refuses deletion until lifted; billform lifts it only to carry out an approved delete.
    pub deletion_protection: bool,
    /// Encrypted with the AWS-managed KMS key instead of the AWS-owned one.
    pub kms_encryption: bool,
    /// Tags beside the ownership tags.
    pub tags: BTreeMap<String, String>,
}

/// The keys of a table or an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// Partition key attribute.
    pub partition: String,
    /// Sort key attribute.
    pub sort: Option<String>,
}
