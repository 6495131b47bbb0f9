//! The real handlers through drawn months, judged each day by the oracle; built without the rest of the tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    simulator::cli::main()
}
