//! Every kind against the local cloud, through its own SDK calls: what is special about it. What all have in common is
//! asked by the conformance suite. One module per kind, one local cloud for the process; names are unique per test.

mod allocation_tags;
mod budget;
mod dynamodb_table;
mod http_api;
mod iam_role;
mod lambda_function;
mod log_group;
mod report_definition;
mod s3_bucket;
mod schedule;
mod secret;
mod stripe_customer;
mod stripe_price;
mod stripe_product;
mod tenant_record;

use tests::live as stage;
use tests::live::stripe_account;
