//! `iam_role`, live.
