//! The local cloud: MiniStack's life cycle, the gateway in front of it, the strict Stripe beside it.

pub mod gateway;
