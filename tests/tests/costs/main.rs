//! `costs` over a bucket, and beside totals that another program worked out.

mod bucket;
mod nise;
