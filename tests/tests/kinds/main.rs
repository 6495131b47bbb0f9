//! Every kind against the local cloud, through its own SDK calls: made, seen as wanted, changed, changed behind our
//! back and repaired, taken away. One module per kind, one local cloud for the process; names are unique per test.

mod dynamodb_table;
mod iam_role;
mod lambda_function;
mod log_group;
mod secret;
mod stage;
mod tenant_record;
