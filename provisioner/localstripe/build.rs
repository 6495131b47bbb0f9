//! Looks for the tools that tests need: the local cloud's list. A file of this package, so that cargo notices when the
//! list changes.

#[path = "../localcloud/build.rs"]
mod tools;

fn main() {
    tools::main();
}
