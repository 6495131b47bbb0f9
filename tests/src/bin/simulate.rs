//! The real handlers through drawn months, judged each day by the oracle: `cargo run --release -p tests --bin simulate`.

use std::process::ExitCode;

fn main() -> ExitCode {
    simulator::cli::main()
}
