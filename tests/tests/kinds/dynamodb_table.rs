//! `dynamodb_table`, live.
