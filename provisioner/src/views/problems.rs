//! Problems of a manifest, each with its place and source line.

use billing::manifest::Problem;

use super::style::{BOLD, RED, paint};

/// All problems and their count, with colours.
pub fn render(problems: &[Problem]) -> String {
    let shown: Vec<String> = problems.iter().map(one).collect();
    let count = match problems.len() {
        1 => "1 problem".to_owned(),
        many => format!("{many} problems"),
    };
    format!("{}\n{}\n", shown.join("\n"), paint(BOLD, format!("{count}; nothing was changed.")))
}

/// The domain renders without colours; its first word is what needs one.
fn one(problem: &Problem) -> String {
    match problem.render().strip_prefix("error:") {
        Some(rest) => format!("{}{rest}", paint(RED.bold(), "error:")),
        None => problem.render(),
    }
}
