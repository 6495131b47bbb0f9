//! The kinds of resources, one file each. A new kind is two lines here: `mod` and its place in [`KINDS`];
//! help, permissions, conformance tests and documentation derive from that list.

pub mod allocation_tags;
pub mod budget;
pub mod dynamodb_table;
pub mod http_api;
pub mod iam_role;
pub mod lambda_function;
pub mod log_group;
pub mod report_definition;
pub mod s3_bucket;
pub mod schedule;
pub mod secret;
pub mod stripe_customer;
pub mod stripe_price;
pub mod stripe_product;
pub mod tenant_record;
pub mod typed;
