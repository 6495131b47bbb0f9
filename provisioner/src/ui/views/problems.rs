//! Problems of a manifest, each with its place and source line.

use billing::manifest::Problem;

use super::style::{BOLD, RED, paint};
use super::wrap::wrapped;

/// All problems and their count for `width` columns, with colours. Quoted lines of the manifest stay as they are.
pub fn render(problems: &[Problem], width: usize) -> String {
    let shown: Vec<String> = problems.iter().map(|problem| one(problem, width)).collect();
    let count = match problems.len() {
        1 => "1 problem".to_owned(),
        many => format!("{many} problems"),
    };
    format!("{}\n\n{}\n", shown.join("\n\n"), paint(BOLD, format!("{count}.")))
}

fn one(problem: &Problem, width: usize) -> String {
    fitted(&problem.render(), width)
}

/// The domain renders without colours and columns: its first line is the message, its last one may be the help.
pub(super) fn fitted(text: &str, width: usize) -> String {
    let lines = text.lines().map(|line| match (line.strip_prefix("error:"), line.find("= help: ")) {
        (Some(rest), _) => wrapped(&format!("{}{rest}", paint(RED.bold(), "error:")), width, 2),
        (None, Some(at)) if line[..at].trim().is_empty() => wrapped(line, width, at + "= help: ".len()),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}
