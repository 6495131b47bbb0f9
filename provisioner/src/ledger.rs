//! Reads the ledger: invoice previews, the guard on tenants who leave, and the key that signs tenants' links.

pub mod attribution_edit;
pub mod backfill;
pub mod bills;
pub mod closing;
pub mod dated_facts;
pub mod evidence;
pub mod leaving_tenants;
pub mod link_key;
pub mod money_effects;
pub mod money_limit;
pub mod months;
pub mod near_misses;
pub mod preview;
pub mod reader;
pub mod returning_tenants;
pub mod settings_edit;
pub mod settling_time;
pub mod stack_secret;
pub mod table;
pub mod unclaimed;
