//! `localcloud HOME [--auth]`: a local cloud in the foreground, until SIGTERM or SIGINT. The tests of this package start
//! it where they need one in a process of its own; users have `billform local`.

use std::process::ExitCode;

use localcloud::{Options, daemon};

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(home) = arguments.next() else {
        eprintln!("usage: localcloud HOME [--auth]");
        return ExitCode::FAILURE;
    };
    let options = Options { auth: arguments.next().as_deref() == Some("--auth"), ..Options::new(home) };
    match daemon::serve(options, &|line| eprintln!("{line}")).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
