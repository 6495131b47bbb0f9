//! `tenant_record`, live.
