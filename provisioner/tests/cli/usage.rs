//! The command line itself: help, mistakes, colours.

use crate::program::Program;

#[test]
fn a_mistyped_flag_or_command_exits_1_with_a_suggestion() {
    let program = Program::small();
    for (arguments, suggestion) in [
        (&["plan", "--detailed-exitcod"][..], "--detailed-exitcode"),
        (&["aply"], "apply"),
        (&["plan", "--refresh", "ful"], "full"),
        (&["permissions", "--for", "aply"], "apply"),
        (&["validate", "--format", "jsn"], "json"),
        (&["drift", "--ignor", "iam_role.costs"], "--ignore"),
    ] {
        let said = program.run(arguments).failed();
        assert!(said.contains(suggestion), "{arguments:?}: {said}");
        assert!(said.contains("similar") || said.contains("possible values"), "{arguments:?}: {said}");
    }
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_billform"));
    command.arg("kinds").stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().expect("billform starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    // It may have written all before the pipe closed; either way nobody is shown a panic.
    assert!(output.status.success() && !said.contains("panicked"), "{}: {said}", output.status);
}

#[test]
fn an_address_that_is_none_says_what_one_looks_like() {
    let said = Program::small().run(&["destroy", "--approve", "ledger"]).failed();
    assert!(said.contains("`ledger` is no address") && said.contains("iam_role.costs"), "{said}");
}

#[test]
fn a_format_that_a_command_does_not_write_is_a_mistake_that_names_those_it_writes() {
    let program = Program::small();
    for (arguments, known) in [
        (&["plan", "--format", "sarif"][..], "human, json, markdown"),
        (&["--format", "sarif", "plan"], "human, json, markdown"),
        (&["apply", "--format", "markdown"], "human, json"),
        (&["--format", "markdown", "kinds"], "human, json"),
    ] {
        let said = program.run(arguments).failed();
        assert!(said.contains(&format!("this command writes {known}\n")), "{arguments:?}: {said}");
        assert!(said.contains("--help"), "{said}");
    }
}

#[test]
fn what_is_ignored_is_an_address_and_its_end_a_date() {
    let program = Program::small();
    for (ignore, said) in [("costs", "`costs` is no address"), ("iam_role.costs@2026-02-30", "`2026-02-30` is no date")]
    {
        let error = program.run(&["drift", "--ignore", ignore]).failed();
        assert!(error.contains(said) && error.contains("2026-12-31"), "{error}");
    }
}

#[test]
fn nothing_asked_is_a_mistake_and_help_is_none() {
    let program = Program::new();
    let said = program.run(&[]).failed();
    assert!(said.contains("Usage: billform"), "{said}");
    let help = program.run(&["--help"]).ok();
    let listed: Vec<&str> =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty()).collect();
    let commands: Vec<&str> = listed
        .iter()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    for command in ["init", "validate", "plan", "apply", "destroy", "output", "kinds", "permissions", "state"] {
        assert!(commands.contains(&command), "{command} is not in {commands:?}");
    }
    for command in commands.into_iter().filter(|command| *command != "help") {
        let help = program.run(&[command, "--help"]).ok();
        assert!(help.contains("Usage: billform"), "{help}");
        let too_long: Vec<&str> = help.lines().filter(|line| line.chars().count() > 100).collect();
        assert!(too_long.is_empty(), "{too_long:#?}");
    }
    assert!(program.run(&["--version"]).ok().starts_with("billform "));
}

#[test]
fn a_pipe_gets_no_colours_unless_they_are_asked_for() {
    let program = Program::new();
    program.write("billform.yaml", "version: 2\n");
    let escapes = |arguments: &[&str]| {
        let ran = program.run(arguments);
        ran.stdout.contains('\u{1b}') || ran.stderr.contains('\u{1b}')
    };
    for command in ["validate", "plan", "output"] {
        assert!(!escapes(&[command]), "{command} into a pipe");
        assert!(!escapes(&[command, "--color", "never"]), "{command} --color never");
    }
    assert!(escapes(&["validate", "--color", "always"]), "the check can fail");
    assert!(escapes(&["output", "--color", "always"]), "on stderr, too");
}

#[test]
fn every_kind_is_listed_with_its_data() {
    let program = Program::new();
    let human = program.run_with(&["kinds"], &[("COLUMNS", "200")]).ok();
    let narrow = program.run_with(&["kinds"], &[("COLUMNS", "80")]).ok();
    assert!(narrow.lines().all(|line| line.chars().count() <= 80), "{narrow}");
    let listed = program.run(&["kinds", "--format", "json"]).json();
    let listed = listed.as_array().expect("a list");
    let names: Vec<&str> = listed.iter().map(|kind| kind["kind"].as_str().expect("a name")).collect();
    let registered: Vec<&str> = provisioner::kinds::metas().map(|meta| meta.name).collect();
    assert_eq!(names, registered);
    assert!(names.is_sorted() && names.len() == human.lines().count(), "{human}");
    for (line, kind) in human.lines().zip(listed) {
        assert!(line.starts_with(kind["kind"].as_str().expect("a name")), "{line}");
        assert!(line.ends_with(kind["summary"].as_str().expect("a summary")), "{line}");
        let has_verbs = kind["permissions"].as_array().is_some_and(|permissions| !permissions.is_empty());
        let is_stripes = kind["service"] == "stripe";
        assert_eq!(is_stripes, kind["stripe_scope"].is_string(), "{kind}");
        assert!(has_verbs || is_stripes, "{kind}");
    }
}
