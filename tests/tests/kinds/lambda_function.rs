//! `lambda_function`, live.
