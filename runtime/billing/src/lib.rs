//! runtime/billing
